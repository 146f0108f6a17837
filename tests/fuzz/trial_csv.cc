// The demo's table of a survival trial, as anybody may bring one.
#include "platform/errors/errors.h"
#include "services/trialogctl/demo/trial_file.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

constexpr std::string_view kHeader = "inst,time,status,age,sex,ph.ecog,ph.karno,pat.karno,meal.cal,wt.loss\n";

bool Within(const std::optional<int>& number, int least, int most) {
  return !number || (*number >= least && *number <= most);
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string header(kHeader);
  return {header + "3,306,1,74,1,1,90,100,1175,\n3,455,1,68,1,0,90,90,1225,15\n",
          header + "3.0,306.00,1,74,1,1,90,100,1175,-5\r\n,455,0,68,2,,,,,\r\n\r\n",
          "extra," + header + "x,3,306,1,74,1,1,90,100,1175,\nx,3,455,1,68,1,0,90,90,1225,15\n",
          header,
          header + "3,306\n",
          header + "99999999999,306,1,74,1,1,90,100,1175,\n,,,,,,,,,\n"};
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  const auto rows = trialog::ctl::demo::ParseTrialFile({reinterpret_cast<const char*>(data), size});
  if (!rows.ok()) {
    Require(trialog::ReasonOf(rows.status()) == "DEMO_DATA", "what is no such table is named so");
    Require(rows.status().message().find("line ") != absl::string_view::npos, "an error names a line");
    return 0;
  }
  Require(rows->size() >= 2 && rows->size() <= trialog::ctl::demo::kMaxPatients, "a bounded number of rows");
  int number = 0;
  for (const auto& row : *rows) {
    Require(row.number == ++number, "rows are counted in order");
    Require(Within(row.days, 0, 3650) && Within(row.age, 0, 120) && Within(row.ecog, 0, 5) &&
                Within(row.institution, 0, 9999) && Within(row.calories, 0, 100'000) &&
                Within(row.weight_loss, -1000, 1000),
            "numbers are in their range");
  }
  return 0;
}
