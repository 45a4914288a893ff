// Losses and penalties: numbers from PyTorch and worked by hand, what they do exactly at a kink and
// at the ends of the number line, and the text of every error.
#include <cmath>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "server/checking/tolerance.h"
#include "tests/ops/check_op.h"

namespace gradus::testing {
namespace {

using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsNan;
using ::testing::Pointwise;

// "huber", "huber delta: 2" with a reduction.
v1::Node Loss(const std::string& op, const std::string& reduction) {
  const std::string name = op.substr(0, op.find(' '));
  return FromText<v1::Node>(
      fmt::format("{} {{ reduction: REDUCTION_{} {} }}", name, reduction, op.substr(name.size())));
}

// The terms of a loss, and the gradient of their sum.
Numbers TermsOf(const std::string& op, const Operands& operands) {
  return ValuesOf(Loss(op, "NONE"), operands);
}
Numbers TermGradientOf(const std::string& op, const Operands& operands, int position) {
  return GradientOf(Loss(op, "NONE"), operands, position);
}

// Both ways of differentiating take the documented subgradient, and forward mode knows where it
// was one.
void ExpectAtKink(const v1::Node& node, const Operands& operands, int position,
                  const Numbers& gradient, const std::vector<bool>& at_kink) {
  SCOPED_TRACE(fmt::format("{}, operand {}", node.ShortDebugString(), position));
  EXPECT_THAT(GradientOf(node, operands, position), ElementsAreArray(gradient));
  const ForwardMode forward_mode = ForwardModeOf(node, operands, position);
  EXPECT_THAT(forward_mode.gradient, ElementsAreArray(gradient));
  EXPECT_THAT(forward_mode.at_kink, ElementsAreArray(at_kink));
}

// What PyTorch 2 gives in float64 for REDUCTION_NONE and REDUCTION_MEAN; from their definitions,
// differentiated by its autograd, where it has no such loss.
struct GoldenLoss {
  std::string op;
  Operands operands;
  Numbers upstream;  // one per term
  Numbers terms;
  std::vector<Numbers> gradients;  // by position, of the terms weighed with `upstream`
  double mean;
  std::vector<Numbers> mean_gradients;
};

void PrintTo(const GoldenLoss& golden, std::ostream* os) { *os << golden.op; }

std::vector<GoldenLoss> GoldenLosses() {
  const Tensor<double> kLogits = Matrix(4, {1.5, -0.5, 0.25, 0, 2, -1, -1.25, 0.75, 0.5, 3, 1, -2});
  const Tensor<double> kProbabilities =
      Matrix(4, {0.5, 0.25, 0.25, 0.125, 0.75, 0.125, 0.25, 0.25, 0.5, 0.625, 0.125, 0.25});
  const Tensor<double> kSomeIgnored = Vector({2, 1, -100, 0});
  const Tensor<double> kClasses = Vector({2, 1, 1, 0});
  const Tensor<double> kSoftLabels =
      Matrix(4, {0.5, 0.25, 0.25, 0, 1, 0, 0.125, 0.125, 0.75, 1, 0, 0});
  const Tensor<double> kPositiveLabels =
      Matrix(4, {0.5, 0.25, 0.25, 0.125, 0.75, 0.125, 0.125, 0.125, 0.75, 0.25, 0.5, 0.25});
  const Tensor<double> kPredictions = Matrix(2, {1, -2, 0.25, 0, 3, -0.5});
  const Tensor<double> kTargets = Matrix(2, {1, 0, 0.5, 0.75, 2, -2});
  const Tensor<double> kAnchors = Matrix(4, {1, 2, -1, 0.5, -0.25, 0.75, 2, 1, 0, 1, 1, 1});
  const Tensor<double> kPositives = Matrix(4, {2, 1, 0.5, 0.25, 0.5, 1, -1, 1, 3, 1, 0.5, 1});
  const Tensor<double> kNegatives = Matrix(4, {0, 2, 0, 3, -3, 3, 2, 2, 0, 1, 1, -1});
  const Tensor<double> kLikeness = Vector({1, -1, -1, -1});
  return {
      // CrossEntropyWithLogits
      {.op = "cross_entropy_with_logits label_smoothing: 0.2",
       .operands = {kLogits, kClasses},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.5686185304694686, 0.503179352889619, 0.7992663805290742, 0.5995119003942423},
       .gradients = {{0.6366473093551073, 0.028516529482508324, -0.6651638388376158,
                      -0.09505706543585563, 0.045743864370654475, 0.049313201065201234,
                      0.0020181982580563945, -0.1721188832214356, 0.1701006849633791,
                      0.026801785189263128, 0.15549896360502882, -0.18230074879429167}},
       .mean = 0.867644041070601,
       .mean_gradients = {{0.15916182733877682, 0.007129132370627081, -0.16629095970940394,
                           0.011882133179481953, -0.005717983046331809, -0.006164150133150154,
                           0.0010090991290281973, -0.0860594416107178, 0.08505034248168955,
                           0.002233482099105233, 0.012958246967085727, -0.015191729066190972}}},
      {.op = "cross_entropy_with_logits class_weights: [ 0.5, 2, 1 ]",
       .operands = {kLogits, kClasses},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.6019518638028019, 0.33969203911257134, 1.2985327610581483, 0.06642261686378778},
       .gradients = {{0.7033139760217739, 0.09518319614917499, -0.7984971721709491,
                      -0.4567807975383779, 0.6248210620746422, -0.1680402645362642,
                      0.07070306318277945, -0.4775710997762045, 0.40686803659342485,
                      -0.18659910740536856, 0.17774948180251438, 0.00884962560285417}},
       .mean = 0.6011998692431472,
       .mean_gradients = {{0.12787526836759527, 0.017306035663486364, -0.14518130403108165,
                           0.041525527048943446, -0.05680191473405838, 0.015276387685114927,
                           0.025710204793737985, -0.173662218100438, 0.14795201330669996,
                           -0.01130903681244658, 0.010772695866819053, 0.0005363409456275255}}},
      {.op = "cross_entropy_with_logits ignore_index: -100",
       .operands = {kLogits, kSomeIgnored},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.6019518638028019, 0.16984601955628567, 0, 0.13284523372757556},
       .gradients = {{0.7033139760217739, 0.09518319614917499, -0.7984971721709491,
                      -0.22839039876918896, 0.3124105310373211, -0.0840201322681321, 0, 0, 0,
                      -0.3731982148107371, 0.35549896360502875, 0.01769925120570834}},
       .mean = 0.6348810390288877,
       .mean_gradients = {{0.23443799200725796, 0.031727732049724996, -0.266165724056983,
                           0.03806506646153149, -0.052068421839553514, 0.014003355378022015, 0, 0,
                           0, -0.04146646831230412, 0.03949988484500319, 0.0019665834673009263}}},
      {.op = "cross_entropy_with_logits label_smoothing: 0.2 class_weights: [ 0.5, 2, 1 ] "
             "ignore_index: -100",
       .operands = {kLogits, kSomeIgnored},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.7136835925962286, 0.5780510358531904, 0, 0.6841353146941312},
       .gradients = {{0.6934244418891664, -0.034977363979185834, -0.6584470779099807,
                      -0.3520490644101798, 0.37275264023508853, -0.02070357582490886, 0, 0, 0,
                      0.36364113061986636, -0.17485065638348182, -0.18879047423638473}},
       .mean = 0.8502485551838715,
       .mean_gradients = {{0.1981212691111904, -0.009993532565481666, -0.18812773654570877,
                           0.05029272348716854, -0.05325037717644123, 0.002957653689272695, 0, 0, 0,
                           0.03463248863046347, -0.0166524434650935, -0.01798004516536997}}},
      {.op = "cross_entropy_with_logits ignore_index: 1 class_weights: [ 0.5, 2, 1 ]",
       .operands = {kLogits, kClasses},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.6019518638028019, 0, 0, 0.06642261686378778},
       .gradients = {{0.7033139760217739, 0.09518319614917499, -0.7984971721709491, 0, 0, 0, 0, 0,
                      0, -0.18659910740536856, 0.17774948180251438, 0.00884962560285417}},
       .mean = 1.1122496537777264,
       .mean_gradients = {{0.4688759840145159, 0.06345546409944999, -0.532331448113966, 0, 0, 0, 0,
                           0, 0, -0.04146646831230412, 0.03949988484500319,
                           0.0019665834673009263}}},
      {.op = "cross_entropy_with_logits label_smoothing: 0.2 class_weights: [ 0.5, 2, 1 ]",
       .operands = {kLogits, kSoftLabels},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.7636835925962284, 0.5780510358531904, 1.0367052455731638, 0.6841353146941311},
       .gradients = {{0.4934244418891663, -0.43497736397918585, -0.05844707790998072,
                      -0.3520490644101798, 0.37275264023508853, -0.02070357582490886,
                      -0.0033691741093277946, 0.11631565428788926, -0.11294648017856154,
                      0.3636411306198666, -0.17485065638348182, -0.18879047423638473},
                     {0.14078074552112071, 3.763122982084483, 1.2815614910422415,
                      -1.7358768156450286, -0.5435072625801142, -5.071753631290058,
                      0.5298532761058148, 0.5194131044232594, 0.35970655221162967,
                      0.1594142804730907, 10.237657121892363, 12.318828560946182}},
       .mean = 1.0156437971791785,
       .mean_gradients = {{0.12335611047229157, -0.10874434099479646, -0.01461176947749518,
                           0.044006133051272475, -0.046594080029386066, 0.0025879469781136073,
                           -0.0016845870546638973, 0.05815782714394463, -0.05647324008928077,
                           0.03030342755165553, -0.014570888031956818, -0.015732539519698725},
                          {0.03519518638028018, 0.9407807455211208, 0.32039037276056037,
                           0.21698460195562858, 0.06793840782251427, 0.6339692039112572,
                           0.2649266380529074, 0.2597065522116297, 0.17985327610581484,
                           0.013284523372757557, 0.8531380934910303, 1.026569046745515}}},

      // CrossEntropy
      {.op = "cross_entropy label_smoothing: 0.2 class_weights: [ 0.5, 2, 1 ] ignore_index: -100",
       .operands = {kProbabilities, kSomeIgnored},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.4093992671385556, 0.7065930797510706, 0, 0.5733467356384563},
       .gradients = {{-0.06666666666666667, -0.5333333333333333, -3.466666666666667,
                      0.5333333333333333, 4.622222222222223, 1.0666666666666667, 0, 0, 0, -2.08,
                      -3.2, -0.8}},
       .mean = 0.7683825950080235,
       .mean_gradients = {{-0.019047619047619046, -0.15238095238095237, -0.9904761904761905,
                           -0.07619047619047618, -0.6603174603174603, -0.15238095238095237, 0, 0, 0,
                           -0.1980952380952381, -0.30476190476190473, -0.07619047619047618}}},
      {.op = "cross_entropy label_smoothing: 0.2 class_weights: [ 0.5, 2, 1 ]",
       .operands = {kProbabilities, kPositiveLabels},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.2707698310265663, 0.9034364820223335, 1.039720770839918, 2.373157752432582},
       .gradients = {{-0.4666666666666667, -2.1333333333333333, -1.0666666666666667,
                      1.3333333333333335, 3.555555555555556, 2.666666666666667,
                      -0.16666666666666669, -0.6666666666666667, -0.6666666666666667, -0.64, -22.4,
                      -3.2},
                     {0.2772588722239781, 2.218070977791825, 1.1090354888959124,
                      -1.6635532333438687, -0.9205826318456989, -3.3271064666877375,
                      0.2772588722239781, 1.1090354888959124, 0.2772588722239781,
                      0.5640043550948827, 9.981319400063212, 3.3271064666877375}},
       .mean = 1.39677120908035,
       .mean_gradients = {{-0.11666666666666667, -0.5333333333333333, -0.26666666666666666,
                           -0.16666666666666669, -0.4444444444444445, -0.33333333333333337,
                           -0.08333333333333334, -0.33333333333333337, -0.33333333333333337,
                           -0.05333333333333333, -1.8666666666666667, -0.26666666666666666},
                          {0.06931471805599453, 0.5545177444479562, 0.2772588722239781,
                           0.2079441541679836, 0.11507282898071236, 0.4158883083359672,
                           0.13862943611198905, 0.5545177444479562, 0.13862943611198905,
                           0.04700036292457356, 0.8317766166719344, 0.2772588722239781}}},

      // NegativeLogLikelihood
      {.op = "negative_log_likelihood",
       .operands = {kLogits, kClasses},
       .upstream = {1, -2, 0.5, 3},
       .terms = {-0.25, -2, -0.75, -3},
       .gradients = {{0, 0, -1, 0, 2, 0, 0, -0.5, 0, -3, 0, 0}},
       .mean = -1.5,
       .mean_gradients = {{0, 0, -0.25, 0, -0.25, 0, 0, -0.25, 0, -0.25, 0, 0}}},
      {.op = "negative_log_likelihood class_weights: [ 0.5, 2, 1 ] ignore_index: -100",
       .operands = {kLogits, kSomeIgnored},
       .upstream = {1, -2, 0.5, 3},
       .terms = {-0.25, -4, 0, -1.5},
       .gradients = {{0, 0, -1, 0, 4, 0, 0, 0, 0, -1.5, 0, 0}},
       .mean = -1.6428571428571428,
       .mean_gradients = {{0, 0, -0.2857142857142857, 0, -0.5714285714285714, 0, 0, 0, 0,
                           -0.14285714285714285, 0, 0}}},

      // MulticlassHinge
      {.op = "multiclass_hinge",
       .operands = {Matrix(4, {0.5, 0.25, -1.25, 0, 1.5, 0.75, 2, -1, 0.25, 0.25, 0.5, 0.125}),
                    Vector({0, 1, 1, 2})},
       .upstream = {1, -2, 0.5, 3},
       .terms = {0.75, 0.25, 6.25, 2.5},
       .gradients = {{-1, 1, 0, 0, 2, -2, 0.5, -1, 0.5, 3, 3, -6}},
       .mean = 2.4375000000000004,
       .mean_gradients = {{-0.25, 0.25, 0, 0, -0.25, 0.25, 0.25, -0.5, 0.25, 0.25, 0.25, -0.5}}},
      {.op = "multiclass_hinge margin: 0.5",
       .operands = {Matrix(4, {0.5, 0.25, -1.25, 0, 1.5, 0.75, 2, -1, 0.25, 0.25, 0.5, 0.125}),
                    Vector({0, 1, 1, 2})},
       .upstream = {1, -2, 0.5, 3},
       .terms = {0.25, 0, 5.25, 1.5},
       .gradients = {{-1, 1, 0, 0, 0, 0, 0.5, -1, 0.5, 3, 3, -6}},
       .mean = 1.7499999999999998,
       .mean_gradients = {{-0.25, 0.25, 0, 0, 0, 0, 0.25, -0.5, 0.25, 0.25, 0.25, -0.5}}},

      // BinaryCrossEntropyWithLogits
      {.op = "binary_cross_entropy_with_logits positive_weight: 2.5",
       .operands = {Vector({0.5, -1.25, 3, -2}), Vector({1, 0, 0.25, 1})},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.1851924604502666, 0.25192908134537295, 2.3168076084138955, 5.3173200276074315},
       .gradients = {{-0.9438516719953636, -0.4454002776506177, 0.34239471219042295,
                      -6.605978084834118},
                     {0.21111547627015992, -7.005787244036119, -1.4635594863196935,
                      15.571176049693378}},
       .mean = 2.2678122944542416,
       .mean_gradients = {{-0.2359629179988409, 0.05567503470632721, 0.17119735609521147,
                           -0.5504981737361765},
                          {0.05277886906753998, 0.8757234055045149, -0.7317797431598467,
                           1.2975980041411148}}},

      // BinaryCrossEntropy
      {.op = "binary_cross_entropy positive_weight: 2.5",
       .operands = {Vector({0.5, 0.25, 0.875, 0.125}), Vector({1, 0, 0.25, 1})},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.7328679513998633, 0.2876820724517809, 1.6430382766502034, 5.19860385419959},
       .gradients = {{-5, -2.6666666666666665, 2.642857142857143, -60},
                     {1.039720770839918, -6.3561076606958915, -0.8728065300592646,
                      15.195217384725199}},
       .mean = 2.2155480386753594,
       .mean_gradients = {{-1.25, 0.3333333333333333, 1.3214285714285714, -5},
                          {0.2599301927099795, 0.7945134575869864, -0.4364032650296323,
                           1.2662681153937667}}},

      // AbsoluteError
      {.op = "absolute_error",
       .operands = {kPredictions, kTargets},
       .upstream = {1, -2, 0.5, 3, -1, 2},
       .terms = {0, 2, 0.25, 0.75, 1, 1.5},
       .gradients = {{0, 2, -0.5, -3, -1, 2}, {0, -2, 0.5, 3, 1, -2}},
       .mean = 0.9166666666666666,
       .mean_gradients = {{0, -0.16666666666666666, -0.16666666666666666, -0.16666666666666666,
                           0.16666666666666666, 0.16666666666666666},
                          {0, 0.16666666666666666, 0.16666666666666666, 0.16666666666666666,
                           -0.16666666666666666, -0.16666666666666666}}},

      // Huber
      {.op = "huber",
       .operands = {kPredictions, kTargets},
       .upstream = {1, -2, 0.5, 3, -1, 2},
       .terms = {0, 1.5, 0.03125, 0.28125, 0.5, 1},
       .gradients = {{0, 2, -0.125, -2.25, -1, 2}, {0, -2, 0.125, 2.25, 1, -2}},
       .mean = 0.5520833333333334,
       .mean_gradients = {{0, -0.16666666666666666, -0.041666666666666664, -0.125,
                           0.16666666666666666, 0.16666666666666666},
                          {0, 0.16666666666666666, 0.041666666666666664, 0.125,
                           -0.16666666666666666, -0.16666666666666666}}},
      {.op = "huber delta: 0.3",
       .operands = {kPredictions, kTargets},
       .upstream = {1, -2, 0.5, 3, -1, 2},
       .terms = {0, 0.555, 0.03125, 0.18, 0.255, 0.405},
       .gradients = {{0, 0.6, -0.125, -0.8999999999999999, -0.3, 0.6},
                     {0, -0.6, 0.125, 0.8999999999999999, 0.3, -0.6}},
       .mean = 0.23770833333333333,
       .mean_gradients = {{0, -0.049999999999999996, -0.041666666666666664, -0.049999999999999996,
                           0.049999999999999996, 0.049999999999999996},
                          {0, 0.049999999999999996, 0.041666666666666664, 0.049999999999999996,
                           -0.049999999999999996, -0.049999999999999996}}},

      // SmoothL1
      {.op = "smooth_l1",
       .operands = {kPredictions, kTargets},
       .upstream = {1, -2, 0.5, 3, -1, 2},
       .terms = {0, 1.5, 0.03125, 0.28125, 0.5, 1},
       .gradients = {{0, 2, -0.125, -2.25, -1, 2}, {0, -2, 0.125, 2.25, 1, -2}},
       .mean = 0.5520833333333334,
       .mean_gradients = {{0, -0.16666666666666666, -0.041666666666666664, -0.125,
                           0.16666666666666666, 0.16666666666666666},
                          {0, 0.16666666666666666, 0.041666666666666664, 0.125,
                           -0.16666666666666666, -0.16666666666666666}}},
      {.op = "smooth_l1 beta: 0.3",
       .operands = {kPredictions, kTargets},
       .upstream = {1, -2, 0.5, 3, -1, 2},
       .terms = {0, 1.85, 0.10416666666666667, 0.6, 0.85, 1.35},
       .gradients = {{0, 2, -0.4166666666666667, -3, -1, 2}, {0, -2, 0.4166666666666667, 3, 1, -2}},
       .mean = 0.7923611111111112,
       .mean_gradients = {{0, -0.16666666666666666, -0.1388888888888889, -0.16666666666666666,
                           0.16666666666666666, 0.16666666666666666},
                          {0, 0.16666666666666666, 0.1388888888888889, 0.16666666666666666,
                           -0.16666666666666666, -0.16666666666666666}}},

      // BinaryHinge
      {.op = "binary_hinge",
       .operands = {Vector({0.5, -1.5, 2, -0.25}), Vector({1, -1, 1, 1})},
       .upstream = {1, -2, 0.5, 3},
       .terms = {0.5, 0, 0, 1.25},
       .gradients = {{-1, 0, 0, -3}, {-0.5, 0, 0, 0.75}},
       .mean = 0.4375,
       .mean_gradients = {{-0.25, 0, 0, -0.25}, {-0.125, 0, 0, 0.0625}}},
      {.op = "binary_hinge margin: 0.25",
       .operands = {Vector({0.5, -0.125, 2, -0.25}), Vector({1, -1, 1, 1})},
       .upstream = {1, -2, 0.5, 3},
       .terms = {0, 0.125, 0, 0.5},
       .gradients = {{0, -2, 0, -3}, {0, -0.25, 0, 0.75}},
       .mean = 0.15625,
       .mean_gradients = {{0, 0.25, 0, -0.25}, {0, 0.03125, 0, 0.0625}}},

      // KlDivergence
      {.op = "kl_divergence",
       .operands = {Matrix(2, {-0.5, -1.5, -1.75, -2, -0.25, -2.5}),
                    Matrix(2, {0.5, 0.25, 0.25, 0.125, 0.75, 0.125})},
       .upstream = {1, -2, 0.5, 3, -1, 2},
       .terms = {-0.09657359027997264, 0.028426409720027357, 0.09092640972002736,
                 -0.009930192709979468, -0.028261554338835676, 0.05256980729002053},
       .gradients = {{-0.5, 0.5, -0.125, -0.375, 0.75, -0.25},
                     {0.8068528194400547, -2.227411277760219, 0.6818528194400547, 2.761675374960493,
                      -0.9623179275482191, 2.8411169166403285}},
       .mean = 0.006192881566881243,
       .mean_gradients = {{-0.08333333333333333, -0.041666666666666664, -0.041666666666666664,
                           -0.020833333333333332, -0.125, -0.020833333333333332},
                          {0.13447546990667578, 0.18561760648001824, 0.22728427314668487,
                           0.15342640972002738, 0.1603863212580365, 0.2367597430533607}}},
      {.op = "kl_divergence from_probabilities: true",
       .operands = {Matrix(2, {0.25, 0.25, 0.5, 0.625, 0.125, 0.25}),
                    Matrix(2, {0.5, 0.25, 0.25, 0.125, 0.75, 0.125})},
       .upstream = {1, -2, 0.5, 3, -1, 2},
       .terms = {0.34657359027997264, 0, -0.17328679513998632, -0.2011797390542625,
                 1.343819601921041, -0.08664339756999315},
       .gradients = {{-2, 2, -0.25, -0.6, 6, -1},
                     {1.6931471805599454, -2, 0.15342640972002736, -1.8283137373023002,
                      -2.791759469228055, 0.6137056388801096}},
       .mean = 0.20488054340612863,
       .mean_gradients = {{-0.3333333333333333, -0.16666666666666666, -0.08333333333333333,
                           -0.03333333333333333, -1, -0.08333333333333333},
                          {0.2821911967599909, 0.16666666666666666, 0.05114213657334245,
                           -0.10157298540568334, 0.46529324487134244, 0.05114213657334249}}},

      // CosineLoss
      {.op = "cosine_loss",
       .operands = {kAnchors, kPositives},
       .upstream = {1, -2, 0.5, 3},
       .terms = {0.37639043553767637, 0.3001457877762348, 1.1348399724926483, 0.037749551350623745},
       .gradients = {{-0.25241339513951194, 0.02969569354582499, -0.19302200804786213,
                      -0.33326391058274535, 1.3330556423309814, 0.6665278211654906,
                      0.04045199174779453, -0.08090398349558905, -0.20225995873897262,
                      -0.1924500897298752, 0.38490017945975064, -0.1924500897298752},
                     {0.0593913870916499, -0.2375655483665995, 0.2375655483665995,
                      0.6665278211654906, -0.9997917317482361, 0.33326391058274507,
                      -0.12871088283389168, -0.07354907590508096, -0.01838726897627024,
                      0.12830005981991666, -0.5132002392796675, 0.12830005981991666}},
       .mean = 0.4622814367892958,
       .mean_gradients = {{-0.06310334878487799, 0.007423923386456248, -0.04825550201196553,
                           0.04165798882284317, -0.16663195529137267, -0.08331597764568632,
                           0.020225995873897264, -0.04045199174779453, -0.10112997936948631,
                           -0.016037507477489596, 0.03207501495497922, -0.016037507477489596},
                          {0.014847846772912475, -0.05939138709164987, 0.05939138709164987,
                           -0.08331597764568632, 0.12497396646852951, -0.041657988822843134,
                           -0.06435544141694584, -0.03677453795254048, -0.00919363448813512,
                           0.010691671651659712, -0.042766686606638966, 0.010691671651659712}}},
      {.op = "cosine_loss margin: 0.25",
       .operands = {kAnchors, kPositives, kLikeness},
       .upstream = {1, -2, 0.5, 3},
       .terms = {0.37639043553767637, 0.4498542122237652, 0, 0.7122504486493763},
       .gradients = {{-0.25241339513951194, 0.02969569354582499, -0.19302200804786213,
                      0.33326391058274535, -1.3330556423309814, -0.6665278211654906, 0, 0, 0,
                      0.1924500897298752, -0.38490017945975064, 0.1924500897298752},
                     {0.0593913870916499, -0.2375655483665995, 0.2375655483665995,
                      -0.6665278211654906, 0.9997917317482361, -0.33326391058274507, 0, 0, 0,
                      -0.12830005981991666, 0.5132002392796675, -0.12830005981991666}},
       .mean = 0.38462377410270443,
       .mean_gradients = {{-0.06310334878487799, 0.007423923386456248, -0.04825550201196553,
                           -0.04165798882284317, 0.16663195529137267, 0.08331597764568632, 0, 0, 0,
                           0.016037507477489596, -0.03207501495497922, 0.016037507477489596},
                          {0.014847846772912475, -0.05939138709164987, 0.05939138709164987,
                           0.08331597764568632, -0.12497396646852951, 0.041657988822843134, 0, 0, 0,
                           -0.010691671651659712, 0.042766686606638966, -0.010691671651659712}}},

      // TripletLoss
      {.op = "triplet_loss",
       .operands = {kAnchors, kPositives, kNegatives},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.6473392504357351, 0, 4.242640687119285, 0},
       .gradients = {{-1.1921780312592134, 0.48507125007266594, -0.020500093922451446, 0, 0, 0,
                      0.3535533905932738, 0.5, -0.3535533905932738, 0, 0, 0},
                     {0.48507125007266594, -0.48507125007266594, 0.7276068751089989, 0, 0, 0,
                      -0.3535533905932738, 0, 0.3535533905932738, 0, 0, 0},
                     {0.7071067811865475, 0, -0.7071067811865475, 0, 0, 0, 0, -0.5, 0, 0, 0, 0}},
       .mean = 1.472494984388755,
       .mean_gradients = {{-0.29804450781480335, 0.12126781251816648, -0.005125023480612861, 0, 0,
                           0, 0.1767766952966369, 0.25, -0.1767766952966369, 0, 0, 0},
                          {0.12126781251816648, -0.12126781251816648, 0.18190171877724973, 0, 0, 0,
                           -0.1767766952966369, 0, 0.1767766952966369, 0, 0, 0},
                          {0.17677669529663687, 0, -0.17677669529663687, 0, 0, 0, 0, -0.25, 0, 0, 0,
                           0}}},
      {.op = "triplet_loss margin: 0.5 difference_offset: 1e-6",
       .operands = {kAnchors, kPositives, kNegatives},
       .upstream = {1, -2, 0.5, 3},
       .terms = {1.1473385228283985, 0, 3.7426416871186383, 0},
       .gradients = {{-1.1921784244955802, 0.4850711992388432, -0.02050057276064743, 0, 0, 0,
                      0.35355300844387455, 0.5000001178506303, -0.3535537727426141, 0, 0, 0},
                     {0.4850709362027818, -0.48507190634562436, 0.7276066468398834, 0, 0, 0,
                      -0.35355350844437455, -1.1785113019774811e-07, 0.3535532727421141, 0, 0, 0},
                     {0.7071074882927983, 7.071067811860172e-07, -0.707106074079236, 0, 0, 0,
                      5.000005e-07, -0.4999999999995, 5.000005e-07, 0, 0, 0}},
       .mean = 1.2224950524867593,
       .mean_gradients = {{-0.29804460612389505, 0.1212677998097108, -0.005125143190161857, 0, 0, 0,
                           0.17677650422193728, 0.2500000589253151, -0.17677688637130706, 0, 0, 0},
                          {0.12126773405069545, -0.12126797658640609, 0.18190166170997085, 0, 0, 0,
                           -0.17677675422218728, -5.8925565098874055e-08, 0.17677663637105706, 0, 0,
                           0},
                          {0.1767768720731996, 1.767766952965043e-07, -0.176776518519809, 0, 0, 0,
                           2.5000025e-07, -0.24999999999975, 2.5000025e-07, 0, 0, 0}}},
      {.op = "triplet_loss margin: 0.5 squared: true",
       .operands = {kAnchors, kPositives, kNegatives},
       .upstream = {1, -2, 0.5, 3},
       .terms = {2.75, 0, 17.5, 0},
       .gradients = {{-4, 2, -1, 0, 0, 0, 3, 1, -3, 0, 0, 0},
                     {2, -2, 3, 0, 0, 0, -3, 0, 3, 0, 0, 0},
                     {2, 0, -2, 0, 0, 0, 0, -1, 0, 0, 0, 0}},
       .mean = 5.0625,
       .mean_gradients = {{-1, 0.5, -0.25, 0, 0, 0, 1.5, 0.5, -1.5, 0, 0, 0},
                          {0.5, -0.5, 0.75, 0, 0, 0, -1.5, 0, 1.5, 0, 0, 0},
                          {0.5, 0, -0.5, 0, 0, 0, 0, -0.5, 0, 0, 0, 0}}},
  };
}

void ExpectNear(const Numbers& actual, const Numbers& expected) {
  constexpr Tolerance kRounding = {1e-13, 1e-15};
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_TRUE(IsNear(actual[i], expected[i], kRounding))
        << fmt::format("element {}: {}, expected {}", i, actual[i], expected[i]);
  }
}

class GoldenLossTest : public ::testing::TestWithParam<GoldenLoss> {};

TEST_P(GoldenLossTest, ReductionNone) {
  const GoldenLoss& golden = GetParam();
  const v1::Node node = Loss(golden.op, "NONE");
  ExpectNear(ValuesOf(node, golden.operands), golden.terms);
  for (size_t p = 0; p < golden.gradients.size(); ++p) {
    SCOPED_TRACE(fmt::format("operand {}", p));
    ExpectNear(GradientOf(node, golden.operands, static_cast<int>(p), golden.upstream),
               golden.gradients[p]);
  }
}

TEST_P(GoldenLossTest, ReductionMean) {
  const GoldenLoss& golden = GetParam();
  const v1::Node node = Loss(golden.op, "MEAN");
  ExpectNear(ValuesOf(node, golden.operands), {golden.mean});
  for (size_t p = 0; p < golden.mean_gradients.size(); ++p) {
    SCOPED_TRACE(fmt::format("operand {}", p));
    ExpectNear(GradientOf(node, golden.operands, static_cast<int>(p)), golden.mean_gradients[p]);
  }
}

// Weights and ignored examples do not change what these divide by.
TEST_P(GoldenLossTest, ReductionSumAndBatchMean) {
  const GoldenLoss& golden = GetParam();
  const auto batch = static_cast<double>(golden.operands[0].shape()[0]);
  const bool is_batch = golden.operands[0].shape().rank() > 1;
  double sum = 0;
  for (const double term : golden.terms) sum += term;
  const struct {
    std::string reduction;
    double divisor;
  } kCases[] = {{"SUM", 1}, {"BATCH_MEAN", is_batch ? batch : 1}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.reduction);
    const v1::Node node = Loss(golden.op, c.reduction);
    ExpectNear(ValuesOf(node, golden.operands), {sum / c.divisor});
    for (size_t p = 0; p < golden.gradients.size(); ++p) {
      const int position = static_cast<int>(p);
      ExpectNear(GradientOf(node, golden.operands, position),
                 GradientOf(Loss(golden.op, "NONE"), golden.operands, position,
                            Numbers(golden.terms.size(), 1 / c.divisor)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Table, GoldenLossTest, ::testing::ValuesIn(GoldenLosses()),
                         [](const auto& info) {
                           const std::string& op = info.param.op;
                           return fmt::format("{}_{}", op.substr(0, op.find(' ')), info.index);
                         });

// Class indices that do not count

TEST(IgnoreIndexTest, AnIgnoredExampleHasLossAndGradientZeroWhateverItsPrediction) {
  // NaN and infinity would survive a product with 0.
  const Tensor<double> y = Matrix(2, {std::nan(""), -kInfinity, 0.25, 0.75});
  const Operands operands = {y, Vector({-1, 1})};
  for (const std::string name :
       {"cross_entropy", "cross_entropy_with_logits", "negative_log_likelihood"}) {
    SCOPED_TRACE(name);
    const std::string op = name + " ignore_index: -1";
    EXPECT_EQ(TermsOf(op, operands)[0], 0);
    const Numbers gradient = TermGradientOf(op, operands, 0);
    EXPECT_EQ(gradient[0], 0);
    EXPECT_EQ(gradient[1], 0);
    EXPECT_NE(gradient[3], 0);
  }
}

TEST(IgnoreIndexTest, IfAllAreIgnoredTheMeanIsNanAndTheGradientZero) {
  const Operands operands = {Matrix(2, {0.5, 0.5, 0.25, 0.75}), Vector({7, 7})};
  for (const std::string name :
       {"cross_entropy", "cross_entropy_with_logits", "negative_log_likelihood"}) {
    SCOPED_TRACE(name);
    const std::string op = name + " ignore_index: 7";
    EXPECT_THAT(ValuesOf(Loss(op, "MEAN"), operands), ElementsAre(IsNan()));
    EXPECT_THAT(GradientOf(Loss(op, "MEAN"), operands, 0), Each(0));
    EXPECT_THAT(ForwardModeOf(Loss(op, "MEAN"), operands, 0).gradient, Each(0));
    EXPECT_THAT(ValuesOf(Loss(op, "BATCH_MEAN"), operands), ElementsAre(0));
  }
}

TEST(IgnoreIndexTest, MayBeAnyWholeNumber) {
  constexpr int64_t kLargestIgnored = int64_t{1} << 53;
  v1::Node node = Loss("negative_log_likelihood", "SUM");
  for (const int64_t ignored : {kLargestIgnored, -kLargestIgnored, int64_t{0}}) {
    node.mutable_negative_log_likelihood()->set_ignore_index(ignored);
    const Operands operands = {Matrix(2, {-3, -4, -5, -6}),
                               Vector({static_cast<double>(ignored), 1})};
    EXPECT_THAT(ValuesOf(node, operands), ElementsAre(6));
    EXPECT_THAT(GradientOf(node, operands, 0), ElementsAre(0, 0, 0, -1));
  }
}

// Rounded to float, they are still equal.
TEST(IgnoreIndexTest, IsFoundInFloat) {
  v1::Node node = Loss("negative_log_likelihood ignore_index: 16777217", "SUM");
  const std::vector<Tensor<float>> operands = {{Shape{1, 2}, {-3, -4}}, {Shape{1}, {16777217.0F}}};
  EXPECT_THAT(Forward(node, operands).values(), ElementsAre(0));
}

TEST(IgnoreIndexTest, IsKnownToTheEngine) {
  const auto find = [](const std::string& op) {
    const v1::Node node = Loss(op, "SUM");
    const std::vector<Shape> shapes = {{4, 3}, {4}};
    return OpOfNode(node).index_operand({node, shapes});
  };
  for (const std::string name :
       {"cross_entropy", "cross_entropy_with_logits", "negative_log_likelihood"}) {
    SCOPED_TRACE(name);
    const auto index = find(name + " ignore_index: -100");
    ASSERT_TRUE(index.has_value());
    EXPECT_EQ(index->position, 1);
    EXPECT_EQ(index->count, 3);
    EXPECT_EQ(index->ignored, -100);
    EXPECT_EQ(find(name + " ignore_index: 0")->ignored, 0);
    EXPECT_EQ(find(name)->ignored, std::nullopt);
  }
  EXPECT_EQ(find("multiclass_hinge")->ignored, std::nullopt);
}

// Classes and labels without weight

TEST(ClassWeightTest, AClassWithWeightZeroAddsNothingEvenWithoutProbability) {
  const Operands operands = {Matrix(2, {0, 1, 0.5, 0.5}), Vector({0, 1})};
  const std::string weights = " class_weights: [ 0, 3 ]";
  EXPECT_THAT(TermsOf("cross_entropy" + weights, operands), ElementsAre(0, DoubleEq(3 * kLog2)));
  EXPECT_THAT(TermGradientOf("cross_entropy" + weights, operands, 0), ElementsAre(0, 0, 0, -6));
  EXPECT_THAT(ValuesOf(Loss("cross_entropy" + weights, "MEAN"), operands),
              ElementsAre(DoubleEq(kLog2)));
  const Operands logs = {Matrix(1, {-kInfinity, 0}), Vector({0})};
  EXPECT_THAT(TermsOf("negative_log_likelihood" + weights, logs), ElementsAre(0));
}

TEST(ClassWeightTest, TheMeanOverNoWeightIsNanAndTheGradientZero) {
  const Operands operands = {Matrix(2, {0.5, 0.5, 0.25, 0.75}), Vector({0, 0})};
  for (const std::string name :
       {"cross_entropy", "cross_entropy_with_logits", "negative_log_likelihood"}) {
    SCOPED_TRACE(name);
    const v1::Node node = Loss(name + " class_weights: [ 0, 1 ]", "MEAN");
    EXPECT_THAT(ValuesOf(node, operands), ElementsAre(IsNan()));
    EXPECT_THAT(GradientOf(node, operands, 0), Each(0));
    EXPECT_THAT(ForwardModeOf(node, operands, 0).gradient, Each(0));
  }
}

TEST(SoftLabelTest, ALabelOfZeroThatMovesHasTheGradientOfItsClass) {
  const Operands operands = {Vector({0.25, 0.75}), Vector({0, 1})};
  for (const std::string name : {"cross_entropy", "cross_entropy_with_logits"}) {
    const v1::Node node = Loss(name, "SUM");
    EXPECT_THAT(ForwardModeOf(node, operands, 1).gradient,
                Pointwise(DoubleEq(), GradientOf(node, operands, 1)));
  }
}

TEST(SoftLabelTest, ALabelNearZeroIsInsideItsInterval) {
  const v1::Node node = Loss("cross_entropy", "SUM");
  const std::vector<Tensor<Interval>> operands = {
      {Shape{2}, {Interval(0.25), Interval(0.75)}},
      {Shape{2}, {Interval(-0.125, 0.125), Interval(0)}}};
  const Interval loss = Forward(node, operands)[0];
  EXPECT_TRUE(loss.Contains(0.25 * kLog2));
  EXPECT_TRUE(loss.Contains(-0.25 * kLog2));
}

TEST(LabelSmoothingTest, OfOneLeavesNothingOfTheTarget) {
  const std::string op = "cross_entropy label_smoothing: 1";
  EXPECT_THAT(TermsOf(op, {Vector({0.25, 0.5}), Scalar(0)}), ElementsAre(DoubleEq(1.5 * kLog2)));
  EXPECT_THAT(TermGradientOf(op, {Vector({0, 0.5}), Vector({1, 0})}, 1), ElementsAre(0, 0));
}

// Binary cross entropies

TEST(PositiveWeightTest, HugeLogitsGiveFiniteRightNumbers) {
  const std::string op = "binary_cross_entropy_with_logits positive_weight: 3";
  const Operands operands = {Vector({800, 800, -800, -800, 800}), Vector({0, 1, 0, 1, 0.5})};
  EXPECT_THAT(TermsOf(op, operands), ElementsAre(800, 0, 0, 2400, 400));
  EXPECT_THAT(TermGradientOf(op, operands, 0), ElementsAre(1, 0, 0, -3, 0.5));
  EXPECT_THAT(TermGradientOf(op, operands, 1), ElementsAre(-800, -800, 2400, 2400, -800));
}

TEST(PositiveWeightTest, AHalfWithoutFactorAddsNothing) {
  const std::string op = "binary_cross_entropy positive_weight: 3";
  const Operands operands = {Vector({0, 1}), Vector({0, 1})};
  EXPECT_THAT(TermsOf(op, operands), ElementsAre(0, 0));
  EXPECT_THAT(TermGradientOf(op, operands, 0), ElementsAre(1, -3));
}

TEST(BinaryCrossEntropyTest, TargetsOfZeroAndOneThatMoveHaveTheirGradient) {
  const Operands operands = {Vector({0.25, 0.75}), Vector({0, 1})};
  for (const std::string name : {"binary_cross_entropy", "binary_cross_entropy_with_logits"}) {
    const v1::Node node = Loss(name + " positive_weight: 3", "SUM");
    ExpectNear(ForwardModeOf(node, operands, 1).gradient, GradientOf(node, operands, 1));
  }
}

// Losses per element

TEST(AbsoluteErrorTest, HasGradientZeroAtTheKink) {
  const Operands operands = {Vector({2, 3}), Vector({2, 2})};
  ExpectAtKink(Loss("absolute_error", "SUM"), operands, 0, {0, 1}, {true, false});
  ExpectAtKink(Loss("absolute_error", "SUM"), operands, 1, {0, -1}, {true, false});
}

// Two functions meet there, with one value and one slope.
TEST(BentLineTest, HasNoKink) {
  const Operands operands = {Vector({2, 0, -2, 0.5}), Vector({0, 0, 0, 0})};
  EXPECT_THAT(TermsOf("huber delta: 2", operands), ElementsAre(2, 0, 2, 0.125));
  EXPECT_THAT(TermsOf("smooth_l1 beta: 2", operands), ElementsAre(1, 0, 1, 0.0625));
  const std::vector<bool> nowhere(4, false);
  ExpectAtKink(Loss("huber delta: 2", "SUM"), operands, 0, {2, 0, -2, 0.5}, nowhere);
  ExpectAtKink(Loss("huber delta: 2", "SUM"), operands, 1, {-2, 0, 2, -0.5}, nowhere);
  ExpectAtKink(Loss("smooth_l1 beta: 2", "SUM"), operands, 0, {1, 0, -1, 0.25}, nowhere);
  ExpectAtKink(Loss("smooth_l1 beta: 2", "SUM"), operands, 1, {-1, 0, 1, -0.25}, nowhere);
}

// Where the two pieces meet only to within a rounding if they are computed apart.
TEST(BentLineTest, HasNoKinkAtAnOddLimit) {
  for (const double limit : {0.1, 49.0}) {
    const Operands operands = {Vector({limit, -limit}), Vector({0, 0})};
    const std::pair<std::string, double> kLosses[] = {{"smooth_l1 beta", 1},
                                                      {"huber delta", limit}};
    for (const auto& [loss, slope] : kLosses) {
      SCOPED_TRACE(fmt::format("{}: {}", loss, limit));
      const v1::Node node = Loss(fmt::format("{}: {}", loss, limit), "SUM");
      const ForwardMode forward_mode = ForwardModeOf(node, operands, 0);
      EXPECT_THAT(forward_mode.at_kink, Each(false));
      EXPECT_THAT(forward_mode.gradient, Pointwise(DoubleEq(), Numbers{slope, -slope}));
      EXPECT_THAT(GradientOf(node, operands, 0), Pointwise(DoubleEq(), Numbers{slope, -slope}));
    }
  }
}

TEST(BentLineTest, NeitherOverflowsNorVanishes) {
  const struct {
    double beta;
    double residual;
    double term;
    double slope;
  } kRows[] = {{1e200, 1e170, 5e139, 1e-30},
               {1e200, 1e300, 1e300, 1},
               {1e-200, 1e-210, 5e-221, 1e-10},
               {1e-300, 1e200, 1e200, 1}};
  for (const auto& row : kRows) {
    const std::string op = fmt::format("smooth_l1 beta: {}", row.beta);
    const Operands operands = {Vector({row.residual}), Vector({0})};
    EXPECT_THAT(TermsOf(op, operands), ElementsAre(DoubleEq(row.term))) << op;
    EXPECT_THAT(TermGradientOf(op, operands, 0), ElementsAre(DoubleEq(row.slope))) << op;
    EXPECT_THAT(ForwardModeOf(Loss(op, "SUM"), operands, 0).gradient,
                ElementsAre(DoubleEq(row.slope)))
        << op;
  }
}

TEST(BentLineTest, IsStraightFarOut) {
  const Operands operands = {Vector({1e300, -1e300}), Vector({0, 0})};
  EXPECT_THAT(TermsOf("huber delta: 0.5", operands), ElementsAre(5e299, 5e299));
  EXPECT_THAT(TermGradientOf("huber delta: 0.5", operands, 0), ElementsAre(0.5, -0.5));
  EXPECT_THAT(TermsOf("smooth_l1", operands), ElementsAre(1e300, 1e300));
  EXPECT_THAT(TermGradientOf("smooth_l1", operands, 0), ElementsAre(1, -1));
}

TEST(BinaryHingeTest, HasGradientZeroAtTheKink) {
  const Operands operands = {Vector({1, -1, 0.5}), Vector({1, -1, 1})};
  EXPECT_THAT(TermsOf("binary_hinge", operands), ElementsAre(0, 0, 0.5));
  ExpectAtKink(Loss("binary_hinge", "SUM"), operands, 0, {0, 0, -1}, {true, true, false});
  ExpectAtKink(Loss("binary_hinge", "SUM"), operands, 1, {0, 0, -0.5}, {true, true, false});
  EXPECT_THAT(TermsOf("binary_hinge margin: 0", {Vector({2, -2}), Vector({1, 1})}),
              ElementsAre(0, 2));
}

TEST(KlDivergenceTest, AnElementWithoutProbabilityAddsNothing) {
  const Operands logs = {Vector({-kInfinity, -1}), Vector({0, 1})};
  EXPECT_THAT(TermsOf("kl_divergence", logs), ElementsAre(0, 1));
  EXPECT_THAT(TermGradientOf("kl_divergence", logs, 0), ElementsAre(0, -1));
  const std::string op = "kl_divergence from_probabilities: true";
  const Operands probabilities = {Vector({0, 0.5}), Vector({0, 1})};
  EXPECT_THAT(TermsOf(op, probabilities), ElementsAre(0, DoubleEq(kLog2)));
  EXPECT_THAT(TermGradientOf(op, probabilities, 0), ElementsAre(0, -2));
  EXPECT_THAT(TermsOf(op, {Vector({0}), Vector({0.5})}), ElementsAre(kInfinity));
}

// t log t is vertical at 0, but one-hot targets are no reason to alarm anybody.
TEST(KlDivergenceTest, TheGradientOfATargetOfZeroIsZero) {
  const Operands operands = {Vector({-2, -1}), Vector({0, 1})};
  ExpectAtKink(Loss("kl_divergence", "SUM"), operands, 1, {0, 2}, {true, false});
}

TEST(KlDivergenceTest, OfANegativeTargetIsNan) {
  const Operands operands = {Vector({-2}), Vector({-0.5})};
  EXPECT_THAT(TermsOf("kl_divergence", operands), ElementsAre(IsNan()));
  EXPECT_THAT(TermGradientOf("kl_divergence", operands, 1), ElementsAre(IsNan()));
}

TEST(KlDivergenceTest, ATargetNearZeroIsInsideItsInterval) {
  const v1::Node node = Loss("kl_divergence", "NONE");
  const std::vector<Tensor<Interval>> box = {Tensor<Interval>({2}, {Interval(-2), Interval(-2)}),
                                             Tensor<Interval>({2}, {Interval(-1, 1), Interval(0)})};
  const Tensor<Interval> output = Forward(node, box);
  EXPECT_TRUE(output[0].Contains(0));
  EXPECT_TRUE(output[0].Contains(2));
  EXPECT_TRUE(output[0].Contains(0.5 * (2 - kLog2)));
  EXPECT_EQ(output[1].lo(), 0);
  EXPECT_EQ(output[1].hi(), 0);
  const Tensor<Interval> upstream({2}, {Interval(1), Interval(1)});
  const Tensor<Interval> gradient = InputGradient(node, box, output, upstream, 1);
  EXPECT_TRUE(gradient[0].Contains(0));
  EXPECT_TRUE(gradient[0].Contains(3 - kLog2));
  EXPECT_EQ(gradient[1].lo(), 0);
  EXPECT_EQ(gradient[1].hi(), 0);
}

// Losses per example

TEST(MulticlassHingeTest, HasGradientZeroAtTheKink) {
  const Operands operands = {Vector({1, 2, 1.5}), Scalar(1)};
  EXPECT_THAT(ValuesOf(Loss("multiclass_hinge", "SUM"), operands), ElementsAre(0.5));
  ExpectAtKink(Loss("multiclass_hinge", "SUM"), operands, 0, {0, -1, 1}, {true, true, false});
}

TEST(MulticlassHingeTest, TheRightClassHasNoMarginFromItself) {
  EXPECT_THAT(TermsOf("multiclass_hinge", {Matrix(2, {5, 7}), Vector({0, 0})}), ElementsAre(0, 0));
}

TEST(CosineLossTest, IsExactlyZeroForEqualVectors) {
  const Tensor<double> a = Vector({0.1, 0.7, -0.3});
  EXPECT_THAT(TermsOf("cosine_loss", {a, a}), ElementsAre(0));
  EXPECT_THAT(TermGradientOf("cosine_loss", {a, a}, 0), Each(0));
}

// 1 - cos computed as such is 0 or 2^-53.
TEST(CosineLossTest, KeepsItsDigitsForNearlyParallelVectors) {
  EXPECT_THAT(TermsOf("cosine_loss", {Vector({1, 0}), Vector({1, 1e-9})}),
              ElementsAre(DoubleEq(5e-19)));
}

TEST(CosineLossTest, LengthsNeitherOverflowNorVanish) {
  for (const double length : {1e-300, 1e-200, 1e200, 1e307}) {
    EXPECT_THAT(TermsOf("cosine_loss", {Vector({length, length}), Vector({3, 0})}),
                ElementsAre(DoubleEq(1 - std::sqrt(0.5))));
  }
  EXPECT_THAT(TermGradientOf("cosine_loss", {Vector({1e200, 0}), Vector({0, 1e-200})}, 0),
              ElementsAre(0, DoubleEq(-1e-200)));
}

TEST(CosineLossTest, OfZerosIsNan) {
  EXPECT_THAT(TermsOf("cosine_loss", {Vector({0, 0}), Vector({1, 0})}), ElementsAre(IsNan()));
}

TEST(CosineLossTest, HasGradientZeroAtTheKink) {
  const Operands operands = {Matrix(1, {2, 0}), Matrix(1, {0, 3}), Vector({-1})};
  EXPECT_THAT(TermsOf("cosine_loss", operands), ElementsAre(0));
  ExpectAtKink(Loss("cosine_loss", "SUM"), operands, 0, {0, 0}, {false, true});
  ExpectAtKink(Loss("cosine_loss", "SUM"), operands, 1, {0, 0}, {true, false});
}

TEST(CosineLossTest, TargetsChooseAndHaveNoGradient) {
  const Operands operands = {Matrix(3, {1, 0, 1, 0, 1, 0}), Matrix(3, {3, 4, 3, 4, 3, 4}),
                             Vector({0.5, 0, -1})};
  EXPECT_THAT(TermsOf("cosine_loss margin: 0.5", operands),
              Pointwise(DoubleEq(), Numbers{0.4, 0.1, 0.1}));
  EXPECT_THAT(TermGradientOf("cosine_loss", operands, 2), Each(0));
  EXPECT_THAT(ForwardModeOf(Loss("cosine_loss", "SUM"), operands, 2).gradient, Each(0));
}

TEST(TripletLossTest, HasGradientZeroAtTheKinkOfTheTerm) {
  const Operands operands = {Vector({0, 0}), Vector({3, 0}), Vector({0, 4})};
  EXPECT_THAT(TermsOf("triplet_loss", operands), ElementsAre(0));
  ExpectAtKink(Loss("triplet_loss", "SUM"), operands, 0, {0, 0}, {true, true});
  ExpectAtKink(Loss("triplet_loss", "SUM"), operands, 1, {0, 0}, {true, false});
  ExpectAtKink(Loss("triplet_loss", "SUM"), operands, 2, {0, 0}, {false, true});
}

TEST(TripletLossTest, HasGradientZeroOfADistanceOfZero) {
  const Operands operands = {Vector({1, 2}), Vector({1, 2}), Vector({1, 5})};
  const v1::Node node = Loss("triplet_loss margin: 4", "SUM");
  EXPECT_THAT(ValuesOf(node, operands), ElementsAre(1));
  ExpectAtKink(node, operands, 0, {0, 1}, {true, true});
  ExpectAtKink(node, operands, 1, {0, 0}, {true, true});
  ExpectAtKink(node, operands, 2, {0, -1}, {false, false});
  // Its square has no kink.
  const v1::Node squared = Loss("triplet_loss margin: 10 squared: true", "SUM");
  ExpectAtKink(squared, operands, 0, {0, 6}, {false, false});
}

TEST(TripletLossTest, TheOffsetMovesTheKinkAway) {
  const Operands operands = {Vector({1}), Vector({1}), Vector({3})};
  const std::string op = "triplet_loss margin: 4 difference_offset: 0.5";
  EXPECT_THAT(TermsOf(op, operands), ElementsAre(3));
  ExpectAtKink(Loss(op, "SUM"), operands, 0, {2}, {false});
  ExpectAtKink(Loss(op, "SUM"), operands, 1, {-1}, {false});
}

TEST(TripletLossTest, DistancesNeitherOverflowNorVanish) {
  for (const double unit : {1e-200, 1e200}) {
    const Operands operands = {Vector({0, 0}), Vector({3 * unit, 4 * unit}), Vector({0, unit})};
    const std::string op = "triplet_loss margin: 0";
    EXPECT_THAT(TermsOf(op, operands), ElementsAre(DoubleEq(4 * unit)));
    EXPECT_THAT(TermGradientOf(op, operands, 1), ElementsAre(DoubleEq(0.6), DoubleEq(0.8)));
  }
}

TEST(TripletLossTest, TheSlopeOfAnUncertainDistanceStaysAUnitVector) {
  const v1::Node node = Loss("triplet_loss margin: 10", "SUM");
  const Interval near_zero(-0.125, 0.125);
  const std::vector<Tensor<Interval>> operands = {
      {Shape{1}, {near_zero}}, {Shape{1}, {near_zero}}, {Shape{1}, {Interval(4)}}};
  const Tensor<Interval> output = Forward(node, operands);
  const Interval slope =
      InputGradient(node, operands, output, Tensor<Interval>(Shape(), {Interval(1)}), 1)[0];
  EXPECT_NEAR(slope.lo(), -1, 1e-14);
  EXPECT_NEAR(slope.hi(), 1, 1e-14);
}

// Penalties

Numbers PenaltyOf(const std::string& op, const Operands& operands) {
  return ValuesOf(FromText<v1::Node>(op), operands);
}
Numbers PenaltyGradientOf(const std::string& op, const Operands& operands, int position) {
  return GradientOf(FromText<v1::Node>(op), operands, position, {10});
}

TEST(PenaltyTest, OfSeveralOperands) {
  const Operands operands = {Matrix(2, {1, -2, 3, -4}), Scalar(-2)};
  EXPECT_THAT(PenaltyOf("l1_penalty { strength: 0.5 }", operands), ElementsAre(6));
  EXPECT_THAT(PenaltyGradientOf("l1_penalty { strength: 0.5 }", operands, 0),
              ElementsAre(5, -5, 5, -5));
  EXPECT_THAT(PenaltyGradientOf("l1_penalty { strength: 0.5 }", operands, 1), ElementsAre(-5));

  EXPECT_THAT(PenaltyOf("l2_penalty { strength: 0.5 }", operands), ElementsAre(17));
  EXPECT_THAT(PenaltyGradientOf("l2_penalty { strength: 0.5 }", operands, 0),
              ElementsAre(10, -20, 30, -40));
  EXPECT_THAT(PenaltyOf("l2_penalty { strength: 0.5 halved: true }", operands), ElementsAre(8.5));
  EXPECT_THAT(PenaltyGradientOf("l2_penalty { strength: 0.5 halved: true }", operands, 1),
              ElementsAre(-10));

  // 0.5 (0.25 * 12 + 0.375 * 34)
  const std::string elastic = "elastic_net_penalty { strength: 0.5 l1_ratio: 0.25 }";
  EXPECT_THAT(PenaltyOf(elastic, operands), ElementsAre(7.875));
  EXPECT_THAT(PenaltyGradientOf(elastic, operands, 0), ElementsAre(5, -8.75, 12.5, -16.25));
}

TEST(PenaltyTest, DefaultsToNothing) {
  for (const std::string name : {"l1_penalty", "l2_penalty", "elastic_net_penalty"}) {
    EXPECT_THAT(PenaltyOf(name + " {}", {Vector({1, -2})}), ElementsAre(0));
    EXPECT_THAT(PenaltyGradientOf(name + " {}", {Vector({1, -2})}, 0), Each(0));
  }
}

TEST(PenaltyTest, APartThatDoesNotCountDoesNotOverflow) {
  const Operands huge = {Vector({1e200, -kLargest})};
  for (const std::string name : {"l1_penalty", "l2_penalty", "elastic_net_penalty"}) {
    EXPECT_THAT(PenaltyOf(name + " {}", huge), ElementsAre(0));
    EXPECT_THAT(PenaltyGradientOf(name + " {}", huge, 0), Each(0));
  }
  const std::string lasso = "elastic_net_penalty { strength: 0.5 l1_ratio: 1 }";
  EXPECT_THAT(PenaltyOf(lasso, {Vector({1e200, -1e200})}), ElementsAre(1e200));
  EXPECT_THAT(PenaltyGradientOf(lasso, huge, 0), ElementsAre(5, -5));
}

TEST(PenaltyTest, HasSlopeZeroAtTheKink) {
  const Operands operands = {Vector({0, 2})};
  ExpectAtKink(FromText<v1::Node>("l1_penalty { strength: 3 }"), operands, 0, {0, 3},
               {true, false});
  ExpectAtKink(FromText<v1::Node>("elastic_net_penalty { strength: 4 l1_ratio: 0.5 }"), operands, 0,
               {0, 6}, {true, false});
  ExpectAtKink(FromText<v1::Node>("elastic_net_penalty { strength: 4 }"), operands, 0, {0, 8},
               {false, false});
  ExpectAtKink(FromText<v1::Node>("l2_penalty { strength: 3 }"), operands, 0, {0, 12},
               {false, false});
}

// Errors

void ExpectRange(const NodeOrText& op, const std::vector<Shape>& operands,
                 const std::string& message) {
  ExpectError(op, operands, Reason::kInvalidValue, message);
}

TEST(LossErrorTest, ClassIndicesOnly) {
  for (const std::string name : {"negative_log_likelihood", "multiclass_hinge"}) {
    const v1::Node node = Loss(name, "SUM");
    ExpectError(node, {{4, 3}, {4, 3}}, Reason::kShapeMismatch,
                "prediction has shape [4, 3], target has shape [4, 3], expected class indices [4]");
    ExpectError(node, {{3}, {3}}, Reason::kShapeMismatch,
                "prediction has shape [3], target has shape [3], expected class indices []");
    ExpectError(node, {{}, {}}, Reason::kShapeMismatch,
                "prediction is a scalar, it has no classes");
    ExpectError(FromText<v1::Node>(name + " {}"), {{3}, {}}, Reason::kMissingField,
                name +
                    ".reduction: unset; choose REDUCTION_SUM, REDUCTION_MEAN, "
                    "REDUCTION_BATCH_MEAN or REDUCTION_NONE");
  }
}

TEST(LossErrorTest, LabelSmoothing) {
  for (const std::string name : {"cross_entropy", "cross_entropy_with_logits"}) {
    for (const std::string value : {"-0.1", "1.5", "nan", "inf"}) {
      ExpectRange(Loss(fmt::format("{} label_smoothing: {}", name, value), "SUM"), {{4, 3}, {4}},
                  fmt::format("{}.label_smoothing: {} is not from 0 to 1", name, value));
    }
  }
}

TEST(LossErrorTest, ClassWeights) {
  for (const std::string name :
       {"cross_entropy", "cross_entropy_with_logits", "negative_log_likelihood"}) {
    ExpectRange(Loss(name + " class_weights: [ 1, 2 ]", "SUM"), {{4, 3}, {4}},
                name + ".class_weights: 2 given, prediction has 3 classes (shape [4, 3])");
    for (const std::string value : {"-1", "nan", "inf"}) {
      ExpectRange(
          Loss(fmt::format("{} class_weights: [ 1, {} ]", name, value), "SUM"), {{2}, {}},
          fmt::format("{}.class_weights[1]: {} is not a finite number, 0 or more", name, value));
    }
  }
}

TEST(LossErrorTest, IgnoreIndexWithSoftLabels) {
  for (const std::string name : {"cross_entropy", "cross_entropy_with_logits"}) {
    ExpectRange(Loss(name + " ignore_index: 0", "SUM"), {{4, 3}, {4, 3}},
                name +
                    ".ignore_index: only for class indices [4], target holds soft labels "
                    "[4, 3]");
  }
}

// As a double, it would be another number.
TEST(LossErrorTest, IgnoreIndexOutOfRange) {
  for (const std::string name :
       {"cross_entropy", "cross_entropy_with_logits", "negative_log_likelihood"}) {
    for (const std::string value : {"9007199254740993", "-9223372036854775808"}) {
      ExpectRange(
          Loss(fmt::format("{} ignore_index: {}", name, value), "SUM"), {{4, 3}, {4}},
          fmt::format("{}.ignore_index: {} is not from -9007199254740992 to 9007199254740992", name,
                      value));
    }
  }
}

TEST(LossErrorTest, NumbersAboveZero) {
  const struct {
    std::string op;
    std::string field;
  } kCases[] = {{"binary_cross_entropy", "positive_weight"},
                {"binary_cross_entropy_with_logits", "positive_weight"},
                {"huber", "delta"},
                {"smooth_l1", "beta"}};
  for (const auto& c : kCases) {
    for (const std::string value : {"0", "-1", "nan", "inf"}) {
      ExpectRange(Loss(c.op + " " + c.field + ": " + value, "SUM"), {{3}, {3}},
                  c.op + "." + c.field + ": " + value + " is not a finite number above 0");
    }
  }
}

TEST(LossErrorTest, Margins) {
  const struct {
    std::string op;
    std::vector<Shape> operands;
  } kCases[] = {{"multiclass_hinge", {{3}, {}}},
                {"binary_hinge", {{3}, {3}}},
                {"triplet_loss", {{3}, {3}, {3}}}};
  for (const auto& c : kCases) {
    for (const std::string value : {"-1", "nan", "inf"}) {
      ExpectRange(Loss(c.op + " margin: " + value, "SUM"), c.operands,
                  c.op + ".margin: " + value + " is not a finite number, 0 or more");
    }
  }
  for (const std::string value : {"-1.5", "1.5", "nan"}) {
    ExpectRange(Loss("cosine_loss margin: " + value, "SUM"), {{3}, {3}},
                "cosine_loss.margin: " + value + " is not from -1 to 1");
  }
}

TEST(LossErrorTest, DifferenceOffset) {
  for (const std::string value : {"nan", "-inf"}) {
    ExpectRange(Loss("triplet_loss difference_offset: " + value, "SUM"), {{3}, {3}, {3}},
                "triplet_loss.difference_offset: " + value + " is not finite");
  }
}

TEST(LossErrorTest, Vectors) {
  ExpectError(Loss("cosine_loss", "SUM"), {{}, {}}, Reason::kShapeMismatch,
              "a is a scalar, expected vectors on the last axis");
  ExpectError(Loss("cosine_loss", "SUM"), {{4, 3}, {3}}, Reason::kShapeMismatch,
              "a has shape [4, 3], b has shape [3]");
  ExpectError(Loss("cosine_loss", "SUM"), {{4, 3}, {4, 3}, {4, 1}}, Reason::kShapeMismatch,
              "a has shape [4, 3], target has shape [4, 1], expected one number per example [4]");
  ExpectError(FromText<v1::Node>("cosine_loss {}"), {{3}, {3}}, Reason::kMissingField,
              "cosine_loss.reduction: unset; choose REDUCTION_SUM, REDUCTION_MEAN, "
              "REDUCTION_BATCH_MEAN or REDUCTION_NONE");
  ExpectError(Loss("triplet_loss", "SUM"), {{}, {}, {}}, Reason::kShapeMismatch,
              "anchor is a scalar, expected vectors on the last axis");
  ExpectError(Loss("triplet_loss", "SUM"), {{4, 3}, {4, 2}, {4, 3}}, Reason::kShapeMismatch,
              "anchor has shape [4, 3], positive has shape [4, 2]");
  ExpectError(Loss("triplet_loss", "SUM"), {{4, 3}, {4, 3}, {3}}, Reason::kShapeMismatch,
              "anchor has shape [4, 3], negative has shape [3]");
  ExpectError(FromText<v1::Node>("triplet_loss {}"), {{3}, {3}, {3}}, Reason::kMissingField,
              "triplet_loss.reduction: unset; choose REDUCTION_SUM, REDUCTION_MEAN, "
              "REDUCTION_BATCH_MEAN or REDUCTION_NONE");
}

TEST(PenaltyErrorTest, StrengthAndRatio) {
  for (const std::string name : {"l1_penalty", "l2_penalty", "elastic_net_penalty"}) {
    for (const std::string value : {"-1", "nan", "inf"}) {
      ExpectRange(fmt::format("{} {{ strength: {} }}", name, value), {{3}},
                  fmt::format("{}.strength: {} is not a finite number, 0 or more", name, value));
    }
  }
  for (const std::string value : {"-0.5", "1.5", "nan"}) {
    ExpectRange(FromText<v1::Node>("elastic_net_penalty { l1_ratio: " + value + " }"), {{3}},
                "elastic_net_penalty.l1_ratio: " + value + " is not from 0 to 1");
  }
}

}  // namespace
}  // namespace gradus::testing
