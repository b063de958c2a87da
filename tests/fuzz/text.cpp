/// Fuzzes what becomes of names in logs, CSVs, plots and file names. Input: names, one a line.
#include "alphahill/base/text.hpp"

#include <algorithm>
#include <boost/algorithm/string.hpp>
#include <set>
#include <string>
#include <vector>

#include "fuzz/invariant.hpp"
#include "report/csv.hpp"
#include "report/file_name.hpp"
#include "report/plots/layer_label.hpp"
#include "report/plots/picture_text.hpp"

namespace alphahill {
namespace {

bool has_control_character(std::string_view text) {
  const auto is_control = [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; };
  return std::ranges::any_of(text, is_control);
}

/// The text of a quoted cell, as a reader of CSVs sees it.
std::string unquoted(const std::string& cell) {
  if (!cell.starts_with('"')) return cell;
  promise(cell.size() >= 2 && cell.ends_with('"'), "quotes are closed");
  std::string text = cell.substr(1, cell.size() - 2);
  promise(boost::erase_all_copy(text, "\"\"").find('"') == text.npos, "quotes in a cell are doubled");
  boost::replace_all(text, "\"\"", "\"");
  return text;
}

void check_cell(const std::string& name) {
  const std::string cell = csv_text(name);
  const bool quoted = cell.starts_with('"');
  promise(quoted || cell.find_first_of("\",\r\n") == cell.npos, "a cell without quotes needs none");
  const std::string seen = unquoted(cell);
  promise(seen == name || seen == "'" + name, "a cell holds the name");
  promise(seen.empty() || std::string_view("=+-@\t\r").find(seen.front()) == std::string_view::npos,
          "no cell is a formula");
}

void check_file_names(const std::vector<std::string>& names) {
  FileNames file_names;
  std::set<std::string> given;
  for (const std::string& name : names) {
    const std::string file = file_names.make("layer_", name);
    promise(file.size() <= 250, "file names have at most 250 bytes");
    promise(boost::all(file, boost::is_alnum(std::locale::classic()) || boost::is_any_of("_-")),
            "file names are safe");
    promise(given.insert(boost::to_lower_copy(file, std::locale::classic())).second, "file names differ");
  }
}

void check_labels(const std::vector<std::string>& names) {
  std::vector<ReportedLayer> layers;
  for (const std::string& name : names) {
    ReportedLayer& layer = layers.emplace_back();
    layer.number = std::ssize(layers);
    layer.layer.name = name;
  }
  std::set<std::string> given;
  for (const LayerLabel& label : layer_labels(layers)) {
    promise(drawable(label.text) == label.text, "labels are drawable");
    promise(label.text.size() <= 100, "labels are short");
    promise(given.insert(label.text).second, "labels differ");
  }
}

}  // namespace
}  // namespace alphahill

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace alphahill;
  std::vector<std::string> names;
  boost::split(names, text_of(bytes, size), boost::is_any_of("\n"));
  names.resize(std::min<std::size_t>(names.size(), 100));
  std::set<std::string> distinct(names.begin(), names.end());
  std::set<std::string> shown;
  for (const std::string& name : distinct) {
    shown.insert(printable(name));
    promise(!has_control_character(printable(name)), "what is shown has no control characters");
    promise(!has_control_character(drawable(name)), "what is drawn has no control characters");
    check_cell(name);
  }
  promise(shown.size() == distinct.size(), "names stay distinct");
  check_file_names(names);
  check_labels(names);
  return 0;
}
