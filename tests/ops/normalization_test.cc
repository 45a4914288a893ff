// Normalisation against PyTorch in double precision, at the ends of the number line, and where the
// variance is 0.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "tests/ops/check_op.h"

namespace gradus::testing {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pointwise;

MATCHER_P(Near, expected, "") {
  return ExplainMatchResult(Pointwise(DoubleNear(1e-13), expected), arg, result_listener);
}

const Tensor<double> kGamma = Vector({2, -1});
const Tensor<double> kBeta = Vector({0.5, 0.25});
const Tensor<double> kMatrix = {{3, 2}, {1, 4, 3, 0, 0, 1}};
const Tensor<double> kCube = {{2, 2, 2}, {1, 4, 3, 0, 0, 1, 2, 7}};
const Tensor<double> kRows = {{2, 3}, {1, 4, 2, 3, 0, 7}};

TEST(BatchNormTest, OfAMatrix) {
  const Operands operands = {kMatrix, kGamma, kBeta};
  EXPECT_THAT(ValuesOf("batch_norm {}", operands),
              Near(Numbers{-0.034520765725148506, -1.12281056995105, 3.1726038286257436,
                           1.2305789785364645, -1.6380830629005947, 0.6422315914145859}));
  EXPECT_THAT(GradientOf("batch_norm {}", operands, 0, Counting),
              Near(Numbers{-3.4362034498690273, 0.22629074644543423, 1.1453942775906767,
                           0.6788600198559451, 2.2908091722783515, -0.9051507663013793}));
  EXPECT_THAT(GradientOf("batch_norm {}", operands, 1, Counting),
              Near(Numbers{-1.6035622971754455, -3.5300843227312724}));
  EXPECT_THAT(GradientOf("batch_norm {}", operands, 2, Counting), ElementsAre(9, 12));
}

TEST(BatchNormTest, WithTheEpsilonOutsideOfTheRoot) {
  const std::string op =
      "batch_norm { variance_epsilon: 0.1 epsilon_placement: EPSILON_PLACEMENT_OUTSIDE_ROOT }";
  const Operands operands = {kMatrix, kGamma, kBeta};
  EXPECT_THAT(ValuesOf(op, operands),
              Near(Numbers{0.005153502980022928, -1.0465317095773634, 2.9742324850998862,
                           1.1760940782695455, -1.4793859880799087, 0.6204376313078181}));
  EXPECT_THAT(GradientOf(op, operands, 0, Counting),
              Near(Numbers{-3.165414212981878, 0.26358967827799296, 0.981676154310076,
                           0.6055165826039011, 2.1837380586718025, -0.8691062608818942}));
  EXPECT_THAT(GradientOf(op, operands, 1, Counting),
              Near(Numbers{-1.4845394910599308, -3.3339386817703645}));
}

TEST(BatchNormTest, WithTheUnbiasedVariance) {
  EXPECT_THAT(ValuesOf("batch_norm { unbiased: true }", {kMatrix}),
              Near(Numbers{-0.21821742262773056, 1.1208957832950677, 1.091087113138653,
                           -0.8006398452107627, -0.8728696905109223, -0.32025593808430514}));
  EXPECT_THAT(GradientOf("batch_norm { unbiased: true }", {kMatrix}, 0, Counting),
              Near(Numbers{-1.4028258875153323, -0.1847648319785964, 0.4676067587447419,
                           -0.5542878444816561, 0.93521912877059, 0.7390526764602525}));
}

TEST(BatchNormTest, OverTheAxesAroundTheChannels) {
  const Operands operands = {kCube, kGamma, kBeta};
  EXPECT_THAT(ValuesOf("batch_norm {}", operands),
              Near(Numbers{-0.16666518519012352, 3.833325925950617, 0.25, 1.4266959056787558,
                           -1.4999955555703703, -0.16666518519012352, 0.6422319685595853,
                           -1.318927874238341}));
  EXPECT_THAT(GradientOf("batch_norm {}", operands, 0, Counting),
              Near(Numbers{-3.777767407448559, 0.22221185191934106, 0.9805799213989631,
                           9.051493040146998e-07, 0.6666711110765434, 2.888884444452675,
                           -0.7844636354027358, -0.1961171911455313}));
  EXPECT_THAT(GradientOf("batch_norm {}", operands, 1, Counting),
              Near(Numbers{-3.9999911111407407, 5.0990155912746085}));
  EXPECT_THAT(GradientOf("batch_norm {}", operands, 2, Counting), ElementsAre(14, 22));
}

TEST(BatchNormTest, OverTheAxesBeforeTheChannels) {
  const Operands operands = {kCube, kGamma, kBeta};
  EXPECT_THAT(ValuesOf("batch_norm { channel_axis: -1 }", operands),
              Near(Numbers{-0.394423613312618, -0.11514812823810638, 3.1832708399378538,
                           1.3454443847143192, -2.1832708399378538, 0.9802962564762128,
                           1.394423613312618, -1.2105925129524255}));
  EXPECT_THAT(GradientOf("batch_norm { channel_axis: -1 }", operands, 0, Counting),
              Near(Numbers{-5.3665416798757075, 1.217160265172514, -1.788847226625236,
                           4.868635218512655e-07, 1.788847226625236, -0.6085798891544961,
                           5.3665416798757075, -0.6085808628815398}));
}

TEST(BatchNormInferenceTest, WithEachOperand) {
  const std::string op = "batch_norm_inference {}";
  const Operands operands = {
      {{2, 2}, {1, 4, 3, 0}}, Vector({1, -1}), Vector({4, 0.25}), kGamma, kBeta};
  EXPECT_THAT(ValuesOf(op, operands),
              Near(Numbers{0.5, -9.749800005999798, 2.4999975000046875, -1.7499600011999599}));
  EXPECT_THAT(GradientOf(op, operands, 0, Counting),
              Near(Numbers{0.9999987500023437, -3.9999200023999197, 2.999996250007031,
                           -7.9998400047998395}));
  EXPECT_THAT(GradientOf(op, operands, 1, Counting),
              Near(Numbers{-3.999995000009375, 11.99976000719976}));
  EXPECT_THAT(GradientOf(op, operands, 2, Counting),
              Near(Numbers{-0.749997187508789, 55.99664016799214}));
  EXPECT_THAT(GradientOf(op, operands, 3, Counting),
              Near(Numbers{2.9999962500070314, 27.999440016799436}));
  EXPECT_THAT(GradientOf(op, operands, 4, Counting), ElementsAre(4, 6));
}

// (3 - 1) / (sqrt(4) + 2) = 1/2, whose derivative by the variance is -2 / (2 * 2 * 4^2).
TEST(BatchNormInferenceTest, WithTheEpsilonOutsideOfTheRoot) {
  const std::string op =
      "batch_norm_inference { variance_epsilon: 2 epsilon_placement: "
      "EPSILON_PLACEMENT_OUTSIDE_ROOT "
      "}";
  const Operands operands = {{{1, 1}, {3}}, Vector({1}), Vector({4})};
  EXPECT_THAT(ValuesOf(op, operands), ElementsAre(0.5));
  EXPECT_THAT(GradientOf(op, operands, 0, Counting), ElementsAre(0.25));
  EXPECT_THAT(GradientOf(op, operands, 2, Counting), ElementsAre(-1.0 / 32));
}

TEST(LayerNormTest, OverTheLastAxis) {
  const Operands operands = {kRows, Vector({2, -1, 0.5}), Vector({0.5, 0.25, 0})};
  EXPECT_THAT(ValuesOf("layer_norm {}", operands),
              Near(Numbers{-1.6380830629005954, -1.0863019143128716, -0.13363019143128724,
                           0.267504863894496, 1.412475680527521, 0.6393616242901367}));
  EXPECT_THAT(GradientOf("layer_norm {}", operands, 0, Counting),
              Near(Numbers{-0.2863408379862955, -0.14318717038445783, 0.42952800837075333,
                           2.210274562791511, -1.2630155506880643, -0.9472590121034468}));
  EXPECT_THAT(GradientOf("layer_norm {}", operands, 1, Counting),
              Near(Numbers{-1.5340318036613056, -3.1397745740118617, 6.870558342893917}));
  EXPECT_THAT(GradientOf("layer_norm {}", operands, 2, Counting), ElementsAre(5, 7, 9));
}

TEST(LayerNormTest, OverTwoAxes) {
  const std::string op = "layer_norm { axis_count: 2 }";
  const Operands operands = {kCube, {{2, 2}, {2, -1, 0.5, 1}}, {{2, 2}, {0.5, 0.25, 0, 1}}};
  EXPECT_THAT(ValuesOf(op, operands),
              Near(Numbers{-0.764908534252813, -1.014908534252813, 0.31622713356320326,
                           -0.264908534252813, -1.3569521011143388, 0.8070856303343017,
                           -0.09284760505571694, 2.671256891002905}));
  EXPECT_THAT(GradientOf(op, operands, 0, Counting),
              Near(Numbers{-0.3952807546953174, -0.5534038082529789, 0.8696214550401224,
                           0.07906310790817406, 2.8590651014760042, -3.3169011331342557,
                           -0.02241165206138762, 0.4802476837196389}));
  EXPECT_THAT(GradientOf(op, operands, 1, Counting),
              Near(Numbers{-5.274834519912253, -0.8126967135001841, 0.5974963305991827,
                           8.310420991011988}));
  EXPECT_THAT(GradientOf(op, operands, 2, Counting), ElementsAre(6, 8, 10, 12));
}

TEST(RmsNormTest, DoesNotCentre) {
  const Operands operands = {kRows, Vector({2, -1, 0.5})};
  EXPECT_THAT(ValuesOf("rms_norm {}", operands),
              Near(Numbers{0.7559288920235354, -1.5118577840470708, 0.3779644460117677,
                           1.3645764431512566, 0, 0.7960029251715663}));
  EXPECT_THAT(GradientOf("rms_norm {}", operands, 0, Counting),
              Near(Numbers{0.8099238051688004, -0.5399492394424757, 0.6749364953081814,
                           1.290073733693307, -1.1371470359593805, -0.5528886673883426}));
  EXPECT_THAT(GradientOf("rms_norm {}", operands, 1, Counting),
              Near(Numbers{3.1071173323142807, 3.0237155680941417, 11.819821778129402}));
}

TEST(GroupNormTest, OverGroupsOfChannels) {
  const std::string op = "group_norm { group_count: 2 }";
  const Operands operands = {
      {{1, 4, 2}, {1, 4, 3, 0, 0, 1, 2, 7}}, Vector({2, -1, 0.5, 1}), Vector({0.5, 0.25, 0, 1})};
  EXPECT_THAT(ValuesOf(op, operands),
              Near(Numbers{-0.764908534252813, 3.029817068505626, -0.3824542671264065,
                           1.514908534252813, -0.4642380252785847, -0.27854281516715085,
                           0.8143047898885661, 2.671256891002905}));
  EXPECT_THAT(GradientOf(op, operands, 0, Counting),
              Near(Numbers{2.1187190120858177, 1.2965368131844217, -2.434946145649021,
                           -0.9803096796212185, -0.278543775658292, -0.3713909965175525,
                           0.8356282534032242, -0.18569348122737983}));
  EXPECT_THAT(GradientOf(op, operands, 1, Counting),
              Near(Numbers{1.8973628013792196, -3.1622713356320324, -7.984894034791657,
                           12.070188657243202}));
  EXPECT_THAT(GradientOf(op, operands, 2, Counting), ElementsAre(3, 7, 11, 15));
}

TEST(GroupNormTest, OneGroupPerChannelIsInstanceNormalisation) {
  EXPECT_THAT(
      ValuesOf("group_norm { group_count: 2 }", {{{1, 2, 3}, {1, 4, 3, 3, 0, 1}}, kGamma, kBeta}),
      Near(Numbers{-2.172603828625743, 2.6380830629005954, 1.0345207657251492, -1.0863019143128718,
                   1.3190415314502975, 0.5172603828625744}));
}

// Squares of these overflow, or vanish.
TEST(NormalizationTest, HugeAndTinyNumbersKeepTheirDigits) {
  for (const double scale : {0x1p+1000, 0x1p-1000}) {
    for (const std::string placement : {"INSIDE", "OUTSIDE"}) {
      const std::string suffix =
          "epsilon: 0 epsilon_placement: EPSILON_PLACEMENT_" + placement + "_ROOT }";
      const Operands one = {{{1, 4}, {1, 4, 2, 7}}};
      Operands scaled = one;
      Map(one[0], scaled[0], [&](double x) { return x * scale; });
      for (const std::string& op :
           {"layer_norm { variance_" + suffix, "rms_norm { mean_square_" + suffix}) {
        EXPECT_EQ(ValuesOf(op, scaled), ValuesOf(op, one)) << op;
        Numbers gradient = GradientOf(op, scaled, 0, Counting);
        for (double& x : gradient) x *= scale;
        EXPECT_EQ(gradient, GradientOf(op, one, 0, Counting)) << op;
      }
    }
  }
}

// x / sqrt(epsilon), although x^2 / epsilon vanishes.
TEST(NormalizationTest, TinyNumbersDivideByTheEpsilon) {
  EXPECT_THAT(ValuesOf("layer_norm { variance_epsilon: 0.25 }", {Vector({1e-300, -1e-300})}),
              ElementsAre(2e-300, -2e-300));
  EXPECT_THAT(
      GradientOf("layer_norm { variance_epsilon: 0.25 }", {Vector({1e-300, -1e-300})}, 0, Counting),
      ElementsAre(-1, 1));
}

// A root has an infinite slope at 0; but all numbers are equal there, and to first order the
// deviation stays 0. Upstream 1, 2, 3: minus its mean, over the denominator of 1/4.
TEST(NormalizationTest, EqualNumbersHaveTheGradientOfTheCentredOnes) {
  for (const std::string op : {"layer_norm { variance_epsilon: 0.0625 }",
                               "layer_norm { variance_epsilon: 0.25 epsilon_placement: "
                               "EPSILON_PLACEMENT_OUTSIDE_ROOT }"}) {
    const Operands operands = {Vector({3, 3, 3})};
    EXPECT_THAT(ValuesOf(op, operands), ElementsAre(0, 0, 0));
    EXPECT_THAT(GradientOf(op, operands, 0, Counting), ElementsAre(-4, 0, 4));
    EXPECT_THAT(ForwardModeOf(op, operands, 0, Counting).gradient, Near(Numbers{-4, 0, 4}));
  }
  const std::string rms =
      "rms_norm { mean_square_epsilon: 0.25 epsilon_placement: EPSILON_PLACEMENT_OUTSIDE_ROOT }";
  EXPECT_THAT(GradientOf(rms, {Vector({0, 0})}, 0, Counting), ElementsAre(4, 8));
  EXPECT_THAT(ForwardModeOf(rms, {Vector({0, 0})}, 0, Counting).gradient, ElementsAre(4, 8));
}

TEST(NormalizationTest, OfOneNumberHasNoGradient) {
  const Operands operands = {{{1, 2}, {3, -5}}};
  EXPECT_THAT(ValuesOf("batch_norm {}", operands), Each(0));
  EXPECT_THAT(GradientOf("batch_norm {}", operands, 0, Counting), Each(0));
}

// Numbers known to two decimals, which may be equal: the gradient is bounded all the same.
TEST(NormalizationTest, IntervalsThatMayBeEqualHaveABoundedGradient) {
  const v1::Node node = FromText<v1::Node>(
      "layer_norm { variance_epsilon: 0.5 epsilon_placement: EPSILON_PLACEMENT_OUTSIDE_ROOT }");
  const std::vector<Tensor<Interval>> box = {{{2}, {Interval(0.995, 1.005), Interval(1, 1.01)}}};
  const Tensor<Interval> upstream({2}, {Interval(1), Interval(3)});
  const Tensor<Interval> gradient = InputGradient(node, box, Forward(node, box), upstream, 0);
  for (const Interval& g : gradient.values()) {
    EXPECT_LT(g.hi() - g.lo(), 1) << g.lo() << " to " << g.hi();
  }
  // Of 1 and 1: the upstream minus its mean, over 1/2.
  EXPECT_TRUE(gradient[0].Contains(-2));
  EXPECT_TRUE(gradient[1].Contains(2));
}

TEST(NormalizationShapeTest, EpsilonIsNone) {
  const std::pair<std::string, std::vector<Shape>> kOps[] = {
      {"batch_norm { variance_epsilon", {{4, 3}}},
      {"batch_norm_inference { variance_epsilon", {{4, 3}, {3}, {3}}},
      {"layer_norm { variance_epsilon", {{4, 3}}},
      {"group_norm { group_count: 1 variance_epsilon", {{4, 3}}},
      {"rms_norm { mean_square_epsilon", {{4, 3}}},
  };
  for (const auto& [op, operands] : kOps) {
    const std::string field =
        op.substr(0, op.find(' ')) + "." + op.substr(op.find_last_of(' ') + 1);
    for (const std::string value : {"-1", "nan", "inf"}) {
      ExpectError(fmt::format("{}: {} }}", op, value), operands, Reason::kInvalidValue,
                  fmt::format("{}: {} is not a finite number, 0 or more", field, value));
    }
  }
}

// From a client with a newer contract.
TEST(NormalizationShapeTest, PlacementIsUnknown) {
  v1::Node node;
  node.mutable_rms_norm()->set_epsilon_placement(static_cast<v1::EpsilonPlacement>(9));
  ExpectError(node, {{3}}, Reason::kInvalidValue,
              "rms_norm.epsilon_placement: 9 is unknown; choose EPSILON_PLACEMENT_INSIDE_ROOT or "
              "EPSILON_PLACEMENT_OUTSIDE_ROOT");
}

TEST(NormalizationShapeTest, AVectorHasNoChannels) {
  ExpectError("batch_norm {}", {{3}}, Reason::kShapeMismatch,
              "input has shape [3], expected rank 2 or more, examples and channels");
  ExpectError("batch_norm_inference {}", {{3}, {3}, {3}}, Reason::kShapeMismatch,
              "input has shape [3], expected rank 2 or more, examples and channels");
  ExpectError("group_norm { group_count: 1 }", {{3}}, Reason::kShapeMismatch,
              "input has shape [3], expected [N, C, ...]");
}

TEST(NormalizationShapeTest, ChannelAxisIsOutOfRange) {
  ExpectError("batch_norm { channel_axis: 2 }", {{4, 3}}, Reason::kInvalidValue,
              "batch_norm.channel_axis: axis 2 is out of range, the operand has axes -2 to 1");
  ExpectError("batch_norm_inference { channel_axis: -3 }", {{4, 3}, {3}, {3}},
              Reason::kInvalidValue,
              "batch_norm_inference.channel_axis: axis -3 is out of range, the operand has axes -2 "
              "to 1");
}

TEST(NormalizationShapeTest, UnbiasedNeedsTwoNumbers) {
  for (const std::string op : {"batch_norm", "layer_norm"}) {
    ExpectError(op + " { unbiased: true }", {{1, 1}}, Reason::kInvalidValue,
                op + ".unbiased: a variance with divisor n - 1 needs 2 or more numbers, there is "
                     "one");
  }
}

TEST(NormalizationShapeTest, ParametersDoNotFit) {
  ExpectError("batch_norm {}", {{4, 3, 2}, {2}}, Reason::kShapeMismatch,
              "gamma has shape [2], expected [3] for input of shape [4, 3, 2]");
  ExpectError("batch_norm { channel_axis: -1 }", {{4, 3, 2}, {2}, {1}}, Reason::kShapeMismatch,
              "beta has shape [1], expected [2] for input of shape [4, 3, 2]");
  ExpectError("batch_norm_inference {}", {{4, 3}, {3}, {4}}, Reason::kShapeMismatch,
              "variance has shape [4], expected [3] for input of shape [4, 3]");
  ExpectError("layer_norm { axis_count: 2 }", {{4, 3, 2}, {6}}, Reason::kShapeMismatch,
              "gamma has shape [6], expected [3, 2] for input of shape [4, 3, 2]");
  ExpectError("rms_norm {}", {{4, 3}, {4}}, Reason::kShapeMismatch,
              "gamma has shape [4], expected [3] for input of shape [4, 3]");
  ExpectError("group_norm { group_count: 2 }", {{4, 6, 2}, {2}}, Reason::kShapeMismatch,
              "gamma has shape [2], expected [6] for input of shape [4, 6, 2]");
}

TEST(LayerNormShapeTest, AxisCountIsOutOfRange) {
  for (const std::string count : {"0", "3", "-1", "2147483647"}) {
    ExpectError("layer_norm { axis_count: " + count + " }", {{4, 3}}, Reason::kInvalidValue,
                "layer_norm.axis_count: " + count +
                    " is not from 1 to 2, the rank of the input (shape [4, 3])");
  }
}

TEST(NormalizationShapeTest, AScalarHasNoAxis) {
  ExpectError("layer_norm {}", {{}}, Reason::kInvalidValue,
              "layer_norm.axis_count: input is a scalar, it has no axis to normalise over");
  ExpectError("rms_norm {}", {{}}, Reason::kShapeMismatch,
              "input is a scalar, it has no axis to normalise over");
}

TEST(GroupNormShapeTest, GroupsDoNotDivideTheChannels) {
  for (const std::string count : {"0", "-2", "3", "9223372036854775807", "-9223372036854775808"}) {
    ExpectError("group_norm { group_count: " + count + " }", {{2, 4}}, Reason::kInvalidValue,
                "group_norm.group_count: " + count +
                    " is no divisor of the 4 channels of the input (shape [2, 4])");
  }
}

}  // namespace
}  // namespace gradus::testing
