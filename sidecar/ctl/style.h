// Colour on a terminal, none elsewhere (and none with NO_COLOR), and tables of text.
//
// Thread: values. Fails: never.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/ctl/environment.h"

namespace tidegate::ctl {

enum class Colour { kRed, kYellow, kGreen, kBold };

bool UsesColour(const Environment& environment, bool is_tty);
std::string Paint(bool on, Colour colour, std::string_view text);

// What comes from elsewhere may hold escape sequences; a terminal must not act on them.
std::string Printable(std::string_view text);

// Columns of text, two spaces apart, without trailing spaces. Empty cells are shown as "-".
class Table {
 public:
  explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  void Print(std::ostream& out, bool colour) const;

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<std::string>> rows_;
};

// 45s, 12m, 3h, 5d: the largest unit that fits, as ages are read.
std::string Age(std::chrono::seconds age);
// 3 APIs, 1 API.
std::string Count(std::size_t count, std::string_view one, std::string_view many = "");

}  // namespace tidegate::ctl
