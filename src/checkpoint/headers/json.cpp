#include "checkpoint/headers/json.hpp"

#include <fmt/format.h>

namespace alphahill::json {

namespace {

void skip_items(Array items, int depth) {
  for (Value item : items) skip(item, depth);
}

void skip_fields(Object fields, int depth) {
  for (simdjson::ondemand::field field : fields) {
    std::ignore = field.unescaped_key().value();
    skip(field.value(), depth);
  }
}

}  // namespace

void skip(Value value, int depth) {
  using Type = simdjson::ondemand::json_type;
  const Type type = value.type();
  if (depth == 0 && (type == Type::array || type == Type::object)) {
    throw simdjson::simdjson_error(simdjson::DEPTH_ERROR);
  }
  switch (type) {
    case Type::array:
      return skip_items(value.get_array(), depth - 1);
    case Type::object:
      return skip_fields(value.get_object(), depth - 1);
    case Type::string:
      std::ignore = value.get_string().value();
      return;
    case Type::number:
      std::ignore = value.get_double().value();
      return;
    case Type::boolean:
      std::ignore = value.get_bool().value();
      return;
    case Type::null:
      if (!value.is_null().value()) throw simdjson::simdjson_error(simdjson::N_ATOM_ERROR);
  }
}

std::string reason_of(const simdjson::simdjson_error& error) {
  if (error.error() == simdjson::INCORRECT_TYPE) return "expected a JSON object";
  if (error.error() == simdjson::DEPTH_ERROR) {
    return fmt::format("expected JSON of at most {} nested arrays and objects", most_depth);
  }
  return std::string("not valid JSON: ") + error.what();
}

std::string shown(Value value) {
  const std::string token(value.raw_json_token());
  return token.substr(0, token.find_last_not_of(" \t\r\n") + 1).substr(0, 60);
}

}  // namespace alphahill::json
