// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/policy_output.h"

#include <algorithm>

#include "cli/table.h"

namespace sluice {

Json policy_json(const std::string& service, const Policy& policy) {
  Json document{{"service", service}};
  for (const PolicyLimit& limit : policy_limits()) {
    document[std::string(limit.field)] = number_or_null(policy.*limit.value);
  }
  return document;
}

Json enforcement_json(const Enforcement& enforcement) {
  return {{"limit", enforcement.limit},
          {"mechanism", enforcement.mechanism},
          {"where", text_or_null(enforcement.where)},
          {"why", enforcement.why}};
}

void print_policies(std::ostream& out,
                    const std::vector<std::pair<std::string, Policy>>& policies) {
  std::vector<const PolicyLimit*> shown;
  std::vector<Column> columns{{"SERVICE"}};
  for (const PolicyLimit& limit : policy_limits()) {
    const bool set = std::any_of(policies.begin(), policies.end(), [&](const auto& policy) {
      return policy.second.*limit.value > 0;
    });
    if (!set && !limit.always_shown) continue;
    shown.push_back(&limit);
    columns.push_back({heading(limit.words), Align::right});
  }
  Table table(std::move(columns));
  for (const auto& [service, policy] : policies) {
    std::vector<std::string> row{service};
    for (const PolicyLimit* limit : shown) row.push_back(limit_text(*limit, policy));
    table.add(std::move(row));
  }
  table.print(out);
}

void print_enforcements(std::ostream& out, const std::vector<Enforcement>& enforcements) {
  Table table({{"LIMIT"}, {"ENFORCED BY"}, {"WHERE"}, {"WHY"}});
  for (const auto& one : enforcements) {
    table.add({std::string(one.limit), std::string(one.mechanism), one.where, one.why});
  }
  table.print(out);
}

}  // namespace sluice
