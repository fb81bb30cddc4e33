#include "sidecar/ctl/style.h"

#include <algorithm>
#include <ostream>

namespace tidegate::ctl {
namespace {

// How many columns a terminal needs for UTF-8 text: continuation bytes need none.
std::size_t Width(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](unsigned char byte) { return (byte & 0xC0) != 0x80; });
}

}  // namespace

bool UsesColour(const Environment& environment, bool is_tty) {
  if (!is_tty) return false;
  if (!environment.getenv("NO_COLOR").value_or("").empty()) return false;
  return environment.getenv("TERM").value_or("") != "dumb";
}

std::string Paint(bool on, Colour colour, std::string_view text) {
  if (!on) return std::string(text);
  static constexpr const char* codes[] = {"\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[1m"};
  return codes[static_cast<int>(colour)] + std::string(text) + "\x1b[0m";
}

std::string Printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
    result += control ? '?' : c;
  }
  return result;
}

void Table::Add(std::vector<std::string> cells) {
  cells.resize(heads_.size());
  for (std::string& cell : cells) {
    cell = cell.empty() ? "-" : Printable(cell);
    std::replace(cell.begin(), cell.end(), '\n', ' ');
  }
  rows_.push_back(std::move(cells));
}

void Table::Print(std::ostream& out, bool colour) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    std::size_t width = Width(heads_[i]);
    for (const auto& row : rows_) width = std::max(width, Width(row[i]));
    widths.push_back(width);
  }
  const auto print = [&](const std::vector<std::string>& cells, bool bold) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      line += cells[i];
      if (i + 1 < cells.size()) line.append(widths[i] - Width(cells[i]) + 2, ' ');
    }
    out << Paint(bold, Colour::kBold, line) << '\n';
  };
  print(heads_, colour);
  for (const auto& row : rows_) print(row, false);
}

std::string Age(std::chrono::seconds age) {
  const auto count = std::max<std::int64_t>(age.count(), 0);
  if (count < 120) return std::to_string(count) + "s";
  if (count < 120 * 60) return std::to_string(count / 60) + "m";
  if (count < 48 * 3600) return std::to_string(count / 3600) + "h";
  return std::to_string(count / 86400) + "d";
}

std::string Count(std::size_t count, std::string_view one, std::string_view many) {
  std::string text = std::to_string(count) + " ";
  if (count == 1) return text + std::string(one);
  return text + (many.empty() ? std::string(one) + "s" : std::string(many));
}

}  // namespace tidegate::ctl
