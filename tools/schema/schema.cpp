// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "schema/schema.h"

#include "model/policy.h"
#include "model/service_options.h"

namespace sluice {

namespace {

using Json = nlohmann::ordered_json;

Json property(std::string_view help, std::string_view value) {
  Json property{{"description", help}};
  property.update(Json::parse(value));
  return property;
}

// A default has the type that it has in the file: 1, true, "snat".
Json default_of(const ServiceOption& option) {
  const OptionValue value = option_value(option, Service{});
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  const std::string text = option.text(Service{});
  const bool number = text.find_first_not_of("0123456789") == std::string::npos;
  return number ? Json::parse(text) : Json(text);
}

// The address comes first, then the options in the order of the table, then the other keys.
Json service_properties(const Json& before) {
  Json properties{{"address", before.at("address")}};
  for (const ServiceOption& option : service_options()) {
    Json one = property(option.help, option.schema);
    one["default"] = default_of(option);
    properties[std::string(option.name)] = std::move(one);
  }
  properties.update(before.begin(), before.end());
  return properties;
}

}  // namespace

nlohmann::ordered_json with_tables(nlohmann::ordered_json schema) {
  Json& service = schema.at("definitions").at("service").at("properties");
  Json others = service;
  for (const ServiceOption& option : service_options()) others.erase(std::string(option.name));
  service = service_properties(others);

  Json limits = Json::object();
  for (const PolicyLimit& limit : policy_limits())
    limits[std::string(limit.name)] = property(limit.help, limit.schema);
  schema.at("definitions").at("policy").at("properties") = std::move(limits);
  return schema;
}

std::string schema_text(const nlohmann::ordered_json& schema) {
  constexpr int indentation = 2;
  return schema.dump(indentation) + '\n';
}

}  // namespace sluice
