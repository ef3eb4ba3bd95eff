// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Aligned columns for people: a line of names, then the rows, two blanks between columns. Nothing
// is cut: a long cell widens its column.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

enum class Align { left, right };

struct Column {
  std::string name;
  Align align = Align::left;
};

// "flow rate", "slow_start" as the name of a column: "FLOW RATE", "SLOW START".
[[nodiscard]] std::string heading(std::string_view name);

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  // One cell for each column; an empty one is shown as "-".
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Names and values of one object, one line each: "mode      snat".
class Facts {
 public:
  void add(std::string name, std::string value);
  void print(std::ostream& out) const;

 private:
  std::vector<std::pair<std::string, std::string>> facts_;
};

}  // namespace sluice
