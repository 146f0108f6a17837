#include "services/analytics/statistics/survival_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>

#include <memory>

namespace trialog::analytics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Svg {
 public:
  explicit Svg(const std::string& text)
      : document_(xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr, XML_PARSE_NONET),
                  &xmlFreeDoc) {}
  bool valid() const { return document_ != nullptr; }
  // How many nodes an XPath of local names finds.
  int Count(const char* path) const {
    const std::unique_ptr<xmlXPathContext, void (*)(xmlXPathContextPtr)> context(xmlXPathNewContext(document_.get()),
                                                                                 &xmlXPathFreeContext);
    const std::unique_ptr<xmlXPathObject, void (*)(xmlXPathObjectPtr)> found(
        xmlXPathEvalExpression(reinterpret_cast<const xmlChar*>(path), context.get()), &xmlXPathFreeObject);
    return found && found->nodesetval ? found->nodesetval->nodeNr : -1;
  }

 private:
  std::unique_ptr<xmlDoc, void (*)(xmlDocPtr)> document_;
};

SurvivalPlot TwoCurves() {
  return {.title = "Survival by sex",
          .ticks = {0, 200, 400},
          .curves = {{.label = "1",
                      .steps = {{10, 0.9, 0.8, 0.95}, {300, 0.5, 0.4, 0.6}},
                      .median = 300,
                      .at_risk = {"138", "70", "<5"}},
                     {.label = "2", .steps = {{20, 0.95, 0.9, 0.99}}, .at_risk = {"90", "60", "20"}}},
          .log_rank_p = 0.00131};
}

TEST(SurvivalPlot, IsWellFormedXmlWithTitleAndDescription) {
  const Svg svg(ToSvg(TwoCurves()));
  ASSERT_TRUE(svg.valid());
  EXPECT_EQ(svg.Count("/*[local-name()='svg'][@role='img'][@aria-labelledby='title desc']"), 1);
  EXPECT_EQ(svg.Count("//*[local-name()='title'][@id='title']"), 1);
  EXPECT_EQ(svg.Count("//*[local-name()='desc'][@id='desc']"), 1);
}

TEST(SurvivalPlot, DrawsALineAndABandForEachCurve) {
  const Svg svg(ToSvg(TwoCurves()));
  EXPECT_EQ(svg.Count("//*[local-name()='path'][@fill-opacity]"), 2);
  EXPECT_EQ(svg.Count("//*[local-name()='path'][@stroke-dasharray]"), 2);
}

TEST(SurvivalPlot, EscapesWhatPeopleWrote) {
  SurvivalPlot plot = TwoCurves();
  plot.title = "A & B <script>\"x\"</script>\x01";
  plot.curves[0].label = "<b>&";
  const std::string svg = ToSvg(plot);
  EXPECT_TRUE(Svg(svg).valid());
  EXPECT_THAT(svg, Not(HasSubstr("<script>")));
}

TEST(SurvivalPlot, GivesTheSameBytesForTheSameFigures) { EXPECT_EQ(ToSvg(TwoCurves()), ToSvg(TwoCurves())); }

TEST(SurvivalPlot, StaysValidWithoutCurvesAndWithTooMany) {
  EXPECT_TRUE(Svg(ToSvg({.title = "Nothing", .hidden_curves = 2})).valid());
  SurvivalPlot many{.title = "Many", .ticks = {0, 1}};
  many.curves.resize(25, TwoCurves().curves[1]);
  const std::string svg = ToSvg(many);
  EXPECT_TRUE(Svg(svg).valid());
  EXPECT_THAT(svg, HasSubstr("Further groups not drawn: 15."));
}

TEST(TimeTicks, AreRoundAndReachTheEnd) {
  EXPECT_THAT(TimeTicks(1022), ElementsAre(0, 200, 400, 600, 800, 1000, 1200));
  EXPECT_THAT(TimeTicks(6), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(TimeTicks(0), ElementsAre(0, 1));
}

}  // namespace
}  // namespace trialog::analytics
