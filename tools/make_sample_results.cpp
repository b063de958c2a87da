/// alpha-hill-sample-results: writes a results file of the size of a real model's, with random figures.
#include <fmt/format.h>

#include <cmath>
#include <random>

#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/category.hpp"
#include "alphahill/metrics/hill.hpp"
#include "alphahill/results/results_file.hpp"

namespace alphahill {

namespace {

constexpr double k_fraction = 0.1;

struct Shape {
  const char* role;
  std::int64_t out_features;
  std::int64_t in_features;
};

void add(std::vector<LayerRow>& layers, const std::string& prefix, std::initializer_list<Shape> shapes) {
  for (const auto& [role, out_features, in_features] : shapes) {
    const std::string name = prefix + role;
    layers.push_back({.name = name,
                      .category = std::string(category_of(name)),
                      .out_features = out_features,
                      .in_features = in_features,
                      .numel = out_features * in_features,
                      .stored_dtype = "BF16",
                      .source_file = "model.safetensors",
                      .stored_as = "BF16",
                      .bits_per_weight = 16});
  }
}

void add_mlp(std::vector<LayerRow>& layers, const std::string& prefix, std::int64_t hidden,
             std::int64_t width) {
  add(layers, prefix,
      {{"gate_proj", width, hidden}, {"up_proj", width, hidden}, {"down_proj", hidden, width}});
}

/// The 225 layers of Llama-3.1-8B.
std::vector<LayerRow> llama() {
  std::vector<LayerRow> layers;
  for (int block = 0; block < 32; ++block) {
    const std::string prefix = fmt::format("model.layers.{}.", block);
    add(layers, prefix + "self_attn.",
        {{"q_proj", 4096, 4096}, {"k_proj", 1024, 4096}, {"v_proj", 1024, 4096}, {"o_proj", 4096, 4096}});
    add_mlp(layers, prefix + "mlp.", 4096, 14336);
  }
  add(layers, "", {{"lm_head", 128256, 4096}});
  return layers;
}

/// The 45,091 layers of DeepSeek-V3.
std::vector<LayerRow> deepseek() {
  constexpr int dense_blocks = 3;
  std::vector<LayerRow> layers;
  for (int block = 0; block < 61; ++block) {
    const std::string prefix = fmt::format("model.layers.{}.", block);
    add(layers, prefix + "self_attn.",
        {{"q_a_proj", 1536, 7168},
         {"q_b_proj", 24576, 1536},
         {"kv_a_proj_with_mqa", 576, 7168},
         {"kv_b_proj", 32768, 512},
         {"o_proj", 7168, 16384}});
    if (block < dense_blocks) {
      add_mlp(layers, prefix + "mlp.", 7168, 18432);
      continue;
    }
    add(layers, prefix, {{"mlp.gate", 256, 7168}});
    for (int expert = 0; expert < 256; ++expert) {
      add_mlp(layers, fmt::format("{}mlp.experts.{}.", prefix, expert), 7168, 2048);
    }
    add_mlp(layers, prefix + "mlp.shared_experts.", 7168, 2048);
  }
  add(layers, "", {{"lm_head", 129280, 7168}});
  return layers;
}

/// Made-up figures: Pareto spectra, and changes between precisions of the size that casts make.
class Figures {
 public:
  explicit Figures(const RunDescription& run) : run_(run) {}

  /// The spectrum is that of the first precision; the others have figures alone.
  LayerRecord record_of(std::int64_t layer) {
    const LayerRow& row = run_.layers[static_cast<std::size_t>(layer - 1)];
    LayerRecord record{.layer = layer, .results = {}, .eigenvalues = {}};
    record.eigenvalues = spectrum(std::min(row.out_features, row.in_features), 2 + uniform_(random_) * 3);
    const HillEstimate estimate = hill(record.eigenvalues, k_fraction);
    for (const double effect : {0.0, 1e-6, 1e-4}) {
      record.results.push_back(result(layer, record, estimate, effect * normal_(random_)));
    }
    record.results.front().spectrum_offset = 0;
    record.results.front().spectrum_length = std::ssize(record.eigenvalues);
    return record;
  }

 private:
  /// The order statistics of a Pareto distribution, ascending, by Renyi's representation.
  std::vector<double> spectrum(std::int64_t length, double alpha) {
    std::vector<double> eigenvalues;
    double logarithm = 0;
    for (std::int64_t left = length; left > 0; --left) {
      logarithm += exponential_(random_) / (static_cast<double>(left) * (alpha - 1));
      eigenvalues.push_back(std::exp(logarithm));
    }
    return eigenvalues;
  }

  ResultRow result(std::int64_t layer, const LayerRecord& record, const HillEstimate& estimate,
                   double change) {
    ResultRow row;
    row.layer = layer;
    row.precision = run_.precisions[record.results.size()];
    row.alpha = estimate.alpha * (1 + change);
    row.alpha_stderr = estimate.standard_error;
    row.k_used = estimate.k_used;
    row.n_eigs = std::ssize(record.eigenvalues);
    row.method = "gram_eigen";
    row.status = Status::ok;
    row.error_bound = estimate.error_bound;
    row.lambda_max = record.eigenvalues.back();
    return row;
  }

  const RunDescription& run_;
  std::mt19937_64 random_{1};
  std::exponential_distribution<double> exponential_;
  std::uniform_real_distribution<double> uniform_;
  std::normal_distribution<double> normal_;
};

void write_sample(const std::string& model, const std::filesystem::path& file) {
  if (model != "llama" && model != "deepseek") {
    throw Error(Fault::usage, "model", "expected llama or deepseek, found '" + model + "'");
  }
  RunDescription run;
  run.model = "sample-" + model;
  run.model_fingerprint = run.load_dtype = run.version = run.host = "sample";
  run.precisions = {"fp32", "fp16", "bf16"};
  run.k_frac = k_fraction;
  run.layers = model == "llama" ? llama() : deepseek();
  Figures figures(run);
  write_results(file, run, everything_in(run), [&](std::int64_t layer) { return figures.record_of(layer); });
  fmt::print("{}: {} layers\n", file.string(), run.layers.size());
}

}  // namespace
}  // namespace alphahill

int main(int argc, char** argv) {
  using namespace alphahill;
  if (argc != 3) {
    fmt::print(stderr, "alpha-hill-sample-results llama|deepseek FILE\n");
    return 2;
  }
  try {
    write_sample(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "alpha-hill-sample-results: error: {}\n", error.what());
    return 1;
  }
}
