#include "services/trialogctl/demo/trial_file.h"

#include <array>
#include <charconv>
#include <fstream>
#include <iterator>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::ctl::demo {
namespace {

constexpr std::array<std::string_view, 10> kColumns = {"inst",    "time",     "status",    "age",      "sex",
                                                       "ph.ecog", "ph.karno", "pat.karno", "meal.cal", "wt.loss"};
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
enum ColumnAt { kInst, kTime, kStatus, kAge, kSex, kEcog, kKarno, kPatKarno, kCalories, kWeightLoss };

absl::Status Bad(size_t line, std::string_view column, std::string_view message) {
  return Refuse(absl::StatusCode::kInvalidArgument, "DEMO_DATA",
                Cat("line ", line, ", column ", column, ": ", message));
}

// Whole number, also as "3.0"; nullopt when it is none.
std::optional<int> WholeNumber(std::string_view text) {
  int number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  if (rest == end) return number;
  const std::string_view fraction(rest, end - rest);
  const bool zero =
      fraction.size() > 1 && fraction[0] == '.' && fraction.find_first_not_of('0', 1) == std::string_view::npos;
  return zero ? std::optional(number) : std::nullopt;
}

// Cells of a line of CSV (RFC 4180), without their quotes.
std::vector<std::string> SplitCells(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool doubled = quoted && line.substr(i, 2) == "\"\"";
    if (doubled) {
      cells.back() += line[i++];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += line[i];
    }
  }
  return cells;
}

std::string_view WithoutReturn(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// Cells of one line under the header's columns.
class Cells {
 public:
  Cells(std::string_view line, size_t number, const std::array<size_t, 10>& places)
      : parts_(SplitCells(line)), number_(number), places_(places) {}

  size_t count() const { return parts_.size(); }

  // Nullopt for a missing value; the first bad cell is kept as the status.
  std::optional<int> Optional(ColumnAt column, int least, int most) {
    const std::string_view cell = parts_[places_[column]];
    if (cell.empty() || cell == "NA") return std::nullopt;
    const auto number = WholeNumber(cell);
    if (!number) return Fail(column, "give a whole number"), std::nullopt;
    if (*number < least || *number > most) {
      return Fail(column, Cat("give a number from ", least, " to ", most)), std::nullopt;
    }
    return number;
  }
  int Required(ColumnAt column, int least, int most) {
    const auto number = Optional(column, least, most);
    if (!number && status_.ok()) Fail(column, "may not be empty");
    return number.value_or(least);
  }
  const absl::Status& status() const { return status_; }

 private:
  void Fail(ColumnAt column, std::string_view message) {
    if (status_.ok()) status_ = Bad(number_, kColumns[column], message);
  }
  const std::vector<std::string> parts_;
  const size_t number_;
  const std::array<size_t, 10>& places_;
  absl::Status status_;
};

absl::StatusOr<std::array<size_t, 10>> PlacesOf(const std::vector<std::string>& header) {
  std::array<size_t, 10> places{};
  for (size_t i = 0; i < kColumns.size(); ++i) {
    const auto found = std::find(header.begin(), header.end(), kColumns[i]);
    if (found == header.end()) return Bad(1, kColumns[i], "is missing from the header");
    places[i] = found - header.begin();
  }
  return places;
}

PatientRow RowOf(Cells& cells) {
  PatientRow row;
  row.institution = cells.Optional(kInst, 0, 9999);
  row.days = cells.Required(kTime, 0, 3650);
  row.died = cells.Required(kStatus, 0, 1) == 1;
  row.age = cells.Required(kAge, 0, 120);
  row.male = cells.Required(kSex, 1, 2) == 1;
  row.ecog = cells.Optional(kEcog, 0, 5);
  row.karnofsky_by_physician = cells.Optional(kKarno, 0, 100);
  row.karnofsky_by_patient = cells.Optional(kPatKarno, 0, 100);
  row.calories = cells.Optional(kCalories, 0, 100'000);
  row.weight_loss = cells.Optional(kWeightLoss, -1000, 1000);
  return row;
}

}  // namespace

absl::StatusOr<std::vector<PatientRow>> ParseTrialFile(std::string_view text) {
  if (HasPrefix(text, kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string_view> lines = Split(text, '\n');
  while (!lines.empty() && WithoutReturn(lines.back()).empty()) lines.pop_back();
  if (lines.empty()) return Bad(1, kColumns[0], "the file is empty; its first line names the columns");
  const std::vector<std::string> header = SplitCells(WithoutReturn(lines[0]));
  const auto places = PlacesOf(header);
  if (!places.ok()) return places.status();
  if (lines.size() - 1 > kMaxPatients)
    return Bad(kMaxPatients + 2, kColumns[0], Cat("at most ", kMaxPatients, " rows"));

  std::vector<PatientRow> rows;
  for (size_t i = 1; i < lines.size(); ++i) {
    Cells cells(WithoutReturn(lines[i]), i + 1, *places);
    if (cells.count() != header.size()) {
      return Bad(i + 1, header[std::min(cells.count(), header.size() - 1)],
                 Cat("the line has ", cells.count(), " cells, the header ", header.size()));
    }
    rows.push_back(RowOf(cells));
    if (!cells.status().ok()) return cells.status();
    rows.back().number = static_cast<int>(i);
  }
  if (rows.size() < 2) return Bad(lines.size() + 1, kColumns[0], "the row is missing: at least two rows, please");
  return rows;
}

absl::StatusOr<std::vector<PatientRow>> ReadTrialFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Refuse(absl::StatusCode::kNotFound, "DEMO_DATA", Cat("cannot read ", path));
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(file.gcount());
  if (text.size() > kMaxFileBytes) return Bad(1, kColumns[0], Cat("at most ", kMaxFileBytes, " bytes"));
  return ParseTrialFile(text);
}

}  // namespace trialog::ctl::demo
