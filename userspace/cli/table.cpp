// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/table.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace sluice {
namespace {

constexpr size_t column_gap = 2;

// The last column is not padded, so that no line ends in blanks.
void print_line(std::ostream& out, const std::vector<std::string>& cells,
                const std::vector<Column>& columns, const std::vector<size_t>& widths) {
  for (size_t i = 0; i < cells.size(); i++) {
    const bool last = i + 1 == cells.size();
    const std::string padding(widths[i] - cells[i].size(), ' ');
    if (columns[i].align == Align::right) {
      out << padding << cells[i];
    } else {
      out << cells[i] << (last ? "" : padding);
    }
    out << (last ? "\n" : std::string(column_gap, ' '));
  }
}

}  // namespace

std::string heading(std::string_view name) {
  std::string text(name);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char letter) {
    return letter == '_' ? ' ' : static_cast<char>(std::toupper(letter));
  });
  return text;
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (auto& cell : cells) {
    if (cell.empty()) cell = "-";
  }
  rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const {
  std::vector<std::string> names;
  std::vector<size_t> widths;
  for (const auto& column : columns_) {
    names.push_back(column.name);
    widths.push_back(column.name.size());
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); i++) widths[i] = std::max(widths[i], row[i].size());
  }
  print_line(out, names, columns_, widths);
  for (const auto& row : rows_) print_line(out, row, columns_, widths);
}

void Facts::add(std::string name, std::string value) {
  facts_.emplace_back(std::move(name), value.empty() ? "-" : std::move(value));
}

void Facts::print(std::ostream& out) const {
  size_t width = 0;
  for (const auto& [name, value] : facts_) width = std::max(width, name.size());
  for (const auto& [name, value] : facts_) {
    out << name << std::string(width - name.size() + column_gap, ' ') << value << '\n';
  }
}

}  // namespace sluice
