#include "report/plots/png.hpp"

#define ZLIB_CONST  // its input is not written to
#include <zlib.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

using Bytes = std::vector<unsigned char>;

constexpr int deflate_level = 1;
constexpr unsigned char difference_from_above = 2;  // filter type "Up"
constexpr std::size_t channels = 3;

void check(int code, const char* call) {
  if (code >= 0) return;
  throw Error(Fault::system, "PNG", std::string(call) + " failed: " + ::zError(code));
}

void append_big_endian(std::string& bytes, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift & 0xFFU);
}

/// chunk := bytes u32 | type | contents | crc32 u32 of type and contents
void append_chunk(std::string& file, std::string_view type, std::string_view contents) {
  append_big_endian(file, static_cast<std::uint32_t>(contents.size()));
  const std::size_t begin = file.size();
  file.append(type).append(contents);
  const auto* checked = reinterpret_cast<const Bytef*>(file.data() + begin);
  append_big_endian(file, static_cast<std::uint32_t>(::crc32_z(0, checked, file.size() - begin)));
}

std::string header(std::size_t width, std::size_t height) {
  constexpr std::string_view depth_rgb_deflate_filters_no_interlace("\x08\x02\x00\x00\x00", 5);
  std::string contents;
  append_big_endian(contents, narrow<std::uint32_t>(width, "PNG width"));
  append_big_endian(contents, narrow<std::uint32_t>(height, "PNG height"));
  return contents.append(depth_rgb_deflate_filters_no_interlace);
}

/// A deflate stream into a string that grows.
class Deflater {
 public:
  explicit Deflater(std::size_t expected_bytes) : out_(expected_bytes, '\0') {
    check(::deflateInit(&stream_, deflate_level), "deflateInit");
    stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
    stream_.avail_out = static_cast<uInt>(out_.size());
  }
  ~Deflater() { ::deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void write(const Bytes& bytes) {
    stream_.next_in = bytes.data();
    stream_.avail_in = static_cast<uInt>(bytes.size());
    while (stream_.avail_in > 0) step(Z_NO_FLUSH);
  }
  std::string finish() {
    while (step(Z_FINISH) != Z_STREAM_END) {
    }
    out_.resize(stream_.total_out);
    return std::move(out_);
  }

 private:
  int step(int flush) {
    if (stream_.avail_out == 0) {
      const std::size_t used = out_.size();
      out_.resize(2 * used);
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data() + used);
      stream_.avail_out = static_cast<uInt>(used);
    }
    const int code = ::deflate(&stream_, flush);
    check(code, "deflate");
    return code;
  }

  z_stream stream_{};
  std::string out_;
};

/// The row as a PNG stores it: filter type, then red, green, blue, less those of the row above, modulo 256.
void filter_row(const std::uint32_t* row, const std::uint32_t* above, std::size_t width, Bytes& filtered) {
  std::ranges::fill(filtered, static_cast<unsigned char>(0));
  filtered[0] = difference_from_above;
  for (std::size_t x = 0; x < width; ++x) {
    if (row[x] == above[x]) continue;  // nearly everywhere
    unsigned char* out = &filtered[1 + channels * x];
    out[0] = static_cast<unsigned char>((row[x] >> 16) - (above[x] >> 16));
    out[1] = static_cast<unsigned char>((row[x] >> 8) - (above[x] >> 8));
    out[2] = static_cast<unsigned char>(row[x] - above[x]);
  }
}

std::string deflated_rows(std::span<const std::uint32_t> pixels, std::size_t width) {
  constexpr std::size_t expected_ratio = 32;
  Deflater deflater(pixels.size() * channels / expected_ratio + 1024);
  Bytes filtered(1 + channels * width);
  const std::vector<std::uint32_t> nothing(width);
  const std::uint32_t* above = nothing.data();
  for (std::size_t begin = 0; begin < pixels.size(); begin += width) {
    const std::uint32_t* row = pixels.data() + begin;
    filter_row(row, above, width, filtered);
    deflater.write(filtered);
    above = row;
  }
  return deflater.finish();
}

}  // namespace

std::string png_file(std::span<const std::uint32_t> pixels, std::size_t width) {
  std::string file = "\x89PNG\r\n\x1a\n";
  append_chunk(file, "IHDR", header(width, pixels.size() / width));
  append_chunk(file, "IDAT", deflated_rows(pixels, width));
  append_chunk(file, "IEND", {});
  return file;
}

}  // namespace alphahill
