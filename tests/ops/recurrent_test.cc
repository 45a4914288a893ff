// Recurrent cells and attention. Numbers with many digits come from PyTorch, in double precision:
// nn.RNNCell, nn.LSTMCell, nn.GRUCell and nn.functional.scaled_dot_product_attention, and for what
// it lacks, from the formulas written out with its autograd.
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/ops/check_op.h"

namespace gradus::testing {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pointwise;

// They are given to 13 digits.
constexpr double kTolerance = 1e-12;

// Numbers from -1.25 to 1.25 that look as if at random; exact in any number format.
Tensor<double> Pattern(const Shape& shape, int64_t seed) {
  Tensor<double> pattern(shape);
  for (int64_t i = 0; i < pattern.size(); ++i) {
    pattern[i] = static_cast<double>((7 * i + 3 * seed) % 11 - 5) / 4;
  }
  return pattern;
}

// One after the other with the seeds from `seed` on.
Operands Patterns(const std::vector<Shape>& shapes, int64_t seed = 1) {
  Operands operands;
  for (const Shape& shape : shapes) operands.push_back(Pattern(shape, seed++));
  return operands;
}

// 2 examples, 3 inputs, 2 units, both biases.
Operands CellOperands(int state_count, int64_t gate_count, int64_t seed = 1) {
  std::vector<Shape> shapes(static_cast<size_t>(state_count) + 1, Shape{2, 2});
  shapes[0] = {2, 3};
  const int64_t rows = 2 * gate_count;
  for (const Shape& shape : {Shape{rows, 3}, Shape{rows, 2}, Shape{rows}, Shape{rows}}) {
    shapes.push_back(shape);
  }
  return Patterns(shapes, seed);
}

// The output, and the gradient of each operand for an upstream gradient of Pattern 9.
void ExpectGolden(const std::string& op, const Operands& operands, const Numbers& output,
                  const std::vector<Numbers>& gradients) {
  const Tensor<double> forward = Forward(FromText<v1::Node>(op), operands);
  EXPECT_THAT(forward.values(), Pointwise(DoubleNear(kTolerance), output));
  for (size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_THAT(GradientOf(op, operands, static_cast<int>(i), Pattern(forward.shape(), 9).values()),
                Pointwise(DoubleNear(kTolerance), gradients[i]))
        << "operand " << i;
  }
}

// Moves blocks of 2 rows of weights and biases, from operand `first` on, to a new order.
Operands ReorderBlocks(Operands operands, size_t first, const std::vector<size_t>& order) {
  for (size_t i = first; i < operands.size(); ++i) {
    const Numbers old = operands[i].values();
    const size_t block = old.size() / order.size();
    Numbers reordered;
    for (const size_t from : order) {
      const auto begin = old.begin() + static_cast<std::ptrdiff_t>(from * block);
      reordered.insert(reordered.end(), begin, begin + static_cast<std::ptrdiff_t>(block));
    }
    operands[i] = {operands[i].shape(), std::move(reordered)};
  }
  return operands;
}

// Vanilla cells

TEST(RnnCellTest, IsThatOfPyTorch) {
  ExpectGolden("rnn_cell {}", CellOperands(1, 1),
               {-0.8649066177207, -0.9540452601799, -0.9051482536449, -0.9928127948372},
               {{-0.06734823114613, 0.02244941038204, 0.1122470519102, 0.1328444627413,
                 0.0008951721504767, -0.1310541184404},
                {0.02244941038204, 0.1122470519102, -0.1346348070423, 0.1061233451469},
                {-0.1016474843946, 0.1355299791927, 0, 0.04758433721552, -0.1158277405121,
                 -0.02244941038204},
                {0.1355299791927, 0, -0.02603009898395, 0.06734823114613},
                {0.1355299791927, -0.09337833013008},
                {0.1355299791927, -0.09337833013008}});
  ExpectGolden("rnn_cell { relu: true }", CellOperands(1, 1, 7), {0, 2.1875, 0, 0.5},
               {{0.25, 1.25, -0.5, 0.0625, 0.3125, -0.125},
                {1.25, -0.5, 0.3125, -0.125},
                {0, 0, 0, -1.5, -0.25, 1},
                {0, 0, 0.75, -0.75},
                {0, -1.25},
                {0, -1.25}});
}

TEST(RnnCellTest, HasSlopeZeroAtTheKinkOfRelu) {
  const Operands operands = {Vector({1}), Vector({1}), {Shape{1, 1}, {2}}, {Shape{1, 1}, {-2}}};
  for (const int position : {0, 1, 2, 3}) {
    EXPECT_THAT(GradientOf("rnn_cell { relu: true }", operands, position, Counting),
                ElementsAre(0));
    EXPECT_THAT(ForwardModeOf("rnn_cell { relu: true }", operands, position, Counting).gradient,
                ElementsAre(0));
  }
}

TEST(RnnCellTest, TheSlopeOfTanhIsReadFromTheOutput) {
  const v1::Node node = FromText<v1::Node>("rnn_cell {}");
  const Operands operands = {Vector({1}), Vector({1}), {Shape{1, 1}, {2}}, {Shape{1, 1}, {4}}};
  EXPECT_THAT(InputGradient(node, operands, Vector({0.5}), Vector({1}), 0).values(),
              ElementsAre(1.5));
  EXPECT_THAT(InputGradient(node, operands, Vector({0.5}), Vector({1}), 1).values(),
              ElementsAre(3));
}

// Long short-term memory

TEST(LstmCellTest, IsThatOfPyTorch) {
  ExpectGolden(
      "lstm_cell {}", CellOperands(2, 4),
      {-0.06844970411665, -0.004859033133782, -0.2166865901871, -0.1479305096429, -0.1773415335257,
       0.0132059471329, -1.615558774097, 0.2234267351526},
      {{0.3561776210376, 0.07013574258499, -0.7969458398719, 0.8820269026427, -0.619495521914,
        1.306733945642},
       {0.07461676213388, -0.1939431223351, 0.5043554134658, 0.1583051543039},
       {0.3984070300303, -0.1107850832849, -0.3976629207791, 0.5597976725122},
       {-0.01155968550199,  0.009527745451851, -0.002522215093201,
        0.01149419802597,   -0.01040807466463, 0.002107509730002,
        -0.1699841605136,   0.3355944114199,   0.04669237031505,
        -0.1770216169145,   0.2360288225527,   0,
        -0.09300825324742,  0.3044450146105,   0.07732886154882,
        -0.6879121427488,   0.7902570422737,   -0.05441106345344,
        -0.1343473864156,   0.1791298485541,   0,
        -0.007003800887004, 0.01207905708931,  0.001174566817132},
       {0.01961660582466, 0.007566645279603, -0.01883811358463, -0.006322529190005, 0.1488249301597,
        -0.1400771109452, 0.2360288225527, 0, -0.00487043158481, -0.2319865846465, 1.007901296088,
        0.1632331903603, 0.1791298485541, 0, 0.007380789820785, -0.003523700451396},
       {0.01204996054505, -0.01251558439463, 0.2889020411049, 0.2360288225527, 0.2271161530617,
        0.8446681057272, 0.1791298485541, 0.01090449027218},
       {0.01204996054505, -0.01251558439463, 0.2889020411049, 0.2360288225527, 0.2271161530617,
        0.8446681057272, 0.1791298485541, 0.01090449027218}});
}

TEST(LstmCellTest, GatesInTheOtherOrder) {
  const Operands ifgo = CellOperands(2, 4);
  const Operands ifog = ReorderBlocks(ifgo, 3, {0, 1, 3, 2});
  const std::string op = "lstm_cell { gate_order: LSTM_GATE_ORDER_IFOG }";
  EXPECT_EQ(ValuesOf(op, ifog), ValuesOf("lstm_cell {}", ifgo));
  EXPECT_NE(ValuesOf(op, ifgo), ValuesOf("lstm_cell {}", ifgo));
}

TEST(LstmCellTest, OneExampleIsABatchOfOne) {
  Operands operands = CellOperands(2, 4);
  for (size_t i = 0; i < 3; ++i) {
    const int64_t length = operands[i].shape()[1];
    operands[i] = Pattern({1, length}, static_cast<int64_t>(i) + 1);
  }
  const Numbers batch = ValuesOf("lstm_cell {}", operands);
  for (size_t i = 0; i < 3; ++i) {
    operands[i] = {Shape{operands[i].size()}, operands[i].values()};
  }
  EXPECT_EQ(ValuesOf("lstm_cell {}", operands), batch);
}

TEST(LstmCellTest, TheNewCellStateIsReadFromTheOutput) {
  const v1::Node node = FromText<v1::Node>("lstm_cell {}");
  const Tensor<double> zeros(Shape{4, 1});
  // All gates are 1/2 and the candidate is 0.
  const Operands operands = {Vector({0}), Vector({0}), Vector({0}), zeros, zeros};
  const double tanh_1 = std::tanh(1);
  EXPECT_THAT(InputGradient(node, operands, Vector({0, 1}), Vector({1, 0}), 2).values(),
              ElementsAre(DoubleNear(0.25 * (1 - tanh_1 * tanh_1), 1e-16)));
}

// Gated recurrent unit

TEST(GruCellTest, IsThatOfPyTorch) {
  ExpectGolden("gru_cell {}", CellOperands(1, 3),
               {0.1846331423755, -0.6999681222946, 0.7934171474719, -0.3093370298526},
               {{0.04160868324929, 0.491343487236, -0.08156465089773, 0.03307501261079,
                 -0.09261105554099, 0.230947283726},
                {0.03706522447455, -0.129237520393, 0.6247345922667, -0.1896413842603},
                {0.02538245831954, -0.03384327775939, 0, 0.04180651419775, -0.1011630608061,
                 -0.01946616080391, -0.09275158203506, 0.1236687760467, 0, 0.02286668701848,
                 -0.02227601964501, 0.003519812734128, -0.1134565297719, 0.1512753730292, 0,
                 0.2467553031507, -0.5541442276971, -0.0964873529269},
                {-0.03384327775939, 0, -0.02329841759048, 0.05839848241174, 0.1236687760467, 0,
                 -0.03635527058152, -0.01055943820238, 0.02759648916386, 0, -0.0168917692658,
                 0.03848810271188},
                {-0.03384327775939, -0.08169690000222, 0.1236687760467, -0.02579583237914,
                 0.1512753730292, -0.4576568747702},
                {-0.03384327775939, -0.08169690000222, 0.1236687760467, -0.02579583237914,
                 0.02759648916386, -0.05537987197768}});
}

TEST(GruCellTest, ResetsBeforeTheProduct) {
  ExpectGolden("gru_cell { reset_before: true }", CellOperands(1, 3),
               {0.116432449226, -0.1843181840696, 0.6846204529504, 0.08977171099083},
               {{0.1726617546098, 0.793121594727, -0.1220560124172, 0.1149567123048,
                 -0.0603384785261, 0.2782445393807},
                {0.2144940995122, -0.06863622748698, 0.7049229986505, -0.216604382176},
                {0.008677209259832, -0.01156961234644, 0, 0.03102311146561, -0.07755777866403,
                 -0.01551155573281, -0.1415991287388, 0.1887988383184, 0, -0.08827203289715,
                 0.2105545642933, 0.03979650875588, -0.0775721593497, 0.1034295457996, 0,
                 0.4465015271956, -1.013935166716, -0.1793999130524},
                {-0.01156961234644, 0, -0.01551155573281, 0.04653466719842, 0.1887988383184, 0,
                 0.05136852926973, -0.1193895262676, 0.01886818906955, 0, -0.05937716340972,
                 0.07156131939169},
                {-0.01156961234644, -0.06204622293122, 0.1887988383184, 0.1707580555374,
                 0.1034295457996, -0.8345352536639},
                {-0.01156961234644, -0.06204622293122, 0.1887988383184, 0.1707580555374,
                 0.1034295457996, -0.8345352536639}});
}

TEST(GruCellTest, UpdateLetsTheNewIn) {
  ExpectGolden("gru_cell { update_takes_new: true }", CellOperands(1, 3),
               {-0.1033698937151, -0.7304072351774, 0.1829489686116, -0.3292875542162},
               {{0.01139600327338, 0.2071074478496, -0.05153394105212, -0.1696948901005,
                 -0.4699425306873, 0.4348043249115},
                {-0.00997600557003, -0.6639027046925, 0.1923823229938, -0.03111152612329},
                {0.1003895700701, -0.1338527600935, 0, 0.01830567828706, -0.04219470661749,
                 -0.007623058100607, 0.09275158203506, -0.1236687760467, 0, -0.02286668701848,
                 0.02227601964501, -0.003519812734128, -0.4487292799643, 0.598305706619, 0,
                 0.1328191284385, -0.2652571486398, -0.03778499030933},
                {-0.1338527600935, 0, -0.01170247421506, 0.02286917430182, -0.1236687760467, 0,
                 0.03635527058152, 0.01055943820238, 0.1091462319263, 0, -0.009348456621777,
                 0.01507215758209},
                {-0.1338527600935, -0.03457164851688, -0.1236687760467, 0.02579583237914,
                 0.598305706619, -0.2274721583305},
                {-0.1338527600935, -0.03457164851688, -0.1236687760467, 0.02579583237914,
                 0.1091462319263, -0.02442061420386}});
}

TEST(GruCellTest, GatesInTheOtherOrder) {
  const Operands rzn = CellOperands(1, 3);
  const Operands zrn = ReorderBlocks(rzn, 2, {1, 0, 2});
  const std::string op = "gru_cell { gate_order: GRU_GATE_ORDER_ZRN }";
  EXPECT_EQ(ValuesOf(op, zrn), ValuesOf("gru_cell {}", rzn));
  EXPECT_NE(ValuesOf(op, rzn), ValuesOf("gru_cell {}", rzn));
}

// Gates that are sure pass on exactly what they should, and nothing becomes NaN, in dual numbers
// neither.
TEST(CellTest, HugePreActivationsSaturate) {
  const Tensor<double> huge(Shape{4, 1}, {1e4, 1e4, 1e4, 1e4});
  const Tensor<double> zeros(Shape{4, 1});
  for (const double sign : {1.0, -1.0}) {
    const Operands lstm = {Vector({sign}), Vector({0}), Vector({3}), huge, zeros};
    const double gate = sign > 0 ? 1 : 0;
    EXPECT_THAT(ValuesOf("lstm_cell {}", lstm), ElementsAre(gate * std::tanh(4), gate * 4));
    const Tensor<double> huge_3(Shape{3, 1}, {1e4, 1e4, 1e4});
    const Operands gru = {Vector({sign}), Vector({3}), huge_3, Tensor<double>(Shape{3, 1})};
    EXPECT_THAT(ValuesOf("gru_cell {}", gru), ElementsAre(sign > 0 ? 3 : -1));
    for (const int position : {0, 1, 2, 3}) {
      EXPECT_EQ(GradientOf("lstm_cell {}", lstm, position, Counting),
                ForwardModeOf("lstm_cell {}", lstm, position, Counting).gradient);
      EXPECT_EQ(GradientOf("gru_cell {}", gru, position, Counting),
                ForwardModeOf("gru_cell {}", gru, position, Counting).gradient);
    }
  }
}

TEST(CellShapeTest, StatesDoNotFit) {
  ExpectError("rnn_cell {}", {{4, 3}, {5, 2}, {2, 3}, {2, 2}}, Reason::kShapeMismatch,
              "input has shape [4, 3], hidden has shape [5, 2], expected [N, I] and [N, H], or [I] "
              "and [H]");
  ExpectError(
      "gru_cell {}", {{3}, {1, 2}, {6, 3}, {6, 2}}, Reason::kShapeMismatch,
      "input has shape [3], hidden has shape [1, 2], expected [N, I] and [N, H], or [I] and "
      "[H]");
  ExpectError(
      "lstm_cell {}", {{}, {}, {}, {4, 1}, {4, 1}}, Reason::kShapeMismatch,
      "input has shape [], hidden has shape [], expected [N, I] and [N, H], or [I] and [H]");
  ExpectError(
      "rnn_cell {}", {{1, 2, 3}, {1, 2, 3}, {3, 3}, {3, 3}}, Reason::kShapeMismatch,
      "input has shape [1, 2, 3], hidden has shape [1, 2, 3], expected [N, I] and [N, H], or "
      "[I] and [H]");
  ExpectError("lstm_cell {}", {{4, 3}, {4, 2}, {4, 1}, {8, 3}, {8, 2}}, Reason::kShapeMismatch,
              "hidden has shape [4, 2], cell has shape [4, 1]");
}

TEST(CellShapeTest, WeightsOrBiasesDoNotFit) {
  ExpectError("rnn_cell {}", {{3}, {2}, {3, 2}, {2, 2}}, Reason::kShapeMismatch,
              "input_weight has shape [3, 2], expected [H, I] = [2, 3]");
  ExpectError("rnn_cell {}", {{3}, {2}, {2, 3}, {2, 3}}, Reason::kShapeMismatch,
              "hidden_weight has shape [2, 3], expected [H, H] = [2, 2]");
  ExpectError("lstm_cell {}", {{3}, {2}, {2}, {6, 3}, {8, 2}}, Reason::kShapeMismatch,
              "input_weight has shape [6, 3], expected [4 H, I] = [8, 3]");
  ExpectError("gru_cell {}", {{3}, {2}, {6, 3}, {8, 2}}, Reason::kShapeMismatch,
              "hidden_weight has shape [8, 2], expected [3 H, H] = [6, 2]");
  ExpectError("gru_cell {}", {{3}, {2}, {6, 3}, {6, 2}, {2}}, Reason::kShapeMismatch,
              "input_bias has shape [2], expected [3 H] = [6]");
  ExpectError("lstm_cell {}", {{3}, {2}, {2}, {8, 3}, {8, 2}, {8}, {1, 8}}, Reason::kShapeMismatch,
              "hidden_bias has shape [1, 8], expected [4 H] = [8]");
}

TEST(CellShapeTest, GateOrderIsUnknown) {
  ExpectError("lstm_cell { gate_order: 3 }", {{3}, {2}, {2}, {8, 3}, {8, 2}}, Reason::kInvalidValue,
              "lstm_cell.gate_order: 3 is unknown; choose LSTM_GATE_ORDER_IFGO or "
              "LSTM_GATE_ORDER_IFOG");
  ExpectError("gru_cell { gate_order: -1 }", {{3}, {2}, {6, 3}, {6, 2}}, Reason::kInvalidValue,
              "gru_cell.gate_order: -1 is unknown; choose GRU_GATE_ORDER_RZN or "
              "GRU_GATE_ORDER_ZRN");
}

// Attention

// 2 batches of 3 queries, 2 keys, 4 features and values of 2.
Operands AttentionOperands() { return Patterns({{2, 3, 4}, {2, 2, 4}, {2, 2, 2}}); }

Operands WithMask(Operands operands, Tensor<double> mask) {
  operands.push_back(std::move(mask));
  return operands;
}

TEST(AttentionTest, IsThatOfPyTorch) {
  ExpectGolden("attention {}", AttentionOperands(),
               {-0.6534235881413, 0.620033845553, 0.2301757110321, 0.288684108363, 0.3718989100164,
                0.2355379087439, -0.009384024381545, -1.009384024382, -0.05737600645936,
                -1.057376006459, 0.2490579190601, -0.7509420809399},
               {{0.06715284544459,  -0.08058341453351, 0.06715284544459,  0.06715284544459,
                 0.2497023128454,   -0.2996427754145,  0.2497023128454,   0.2497023128454,
                 -0.3870878440773,  0.4645054128928,   -0.3870878440773,  -0.3870878440773,
                 -0.07660370874439, 0.09192445049327,  -0.07660370874439, -0.07660370874439,
                 0.04473499677831,  -0.05368199613397, 0.04473499677831,  0.04473499677831,
                 -0.1043621939321,  0.1252346327185,   -0.1043621939321,  -0.1043621939321},
                {0.250318280914, 0.4542406895219, -0.3411664188184, 0.2643648180714,
                 -0.250318280914, -0.4542406895219, 0.3411664188184, -0.2643648180714,
                 0.02775848518767, -0.09285361674435, 0.1145481008864, -0.1745921602832,
                 -0.02775848518767, 0.09285361674435, -0.1145481008864, 0.1745921602832},
                {-0.3961209271232, 0.01591455769575, -0.1038790728768, -0.7659145576958,
                 0.1807920938186, 0.2915973675099, 0.5692079061814, 0.2084026324901}});
}

TEST(AttentionTest, EachHeadHasItsShareOfTheFeatures) {
  ExpectGolden("attention { head_count: 2 scale: 0.25 }", AttentionOperands(),
               {-0.3027097293321, 0.4042374155158, 0.1549907303716, 0.3896409914641,
                0.1928662925293, 0.375, 0.06974119441062, -0.8896409914641, 0.05550005003445,
                -0.9042374155158, 0.2304768911299, -0.9187452457515},
               {{0,
                 0,
                 0.05823757230582,
                 0.05823757230582,
                 0.1143724070506,
                 -0.1372468884608,
                 0.01462610847593,
                 0.01462610847593,
                 -0.1880473814856,
                 0.2256568577827,
                 -0.029296875,
                 -0.029296875,
                 0.02866072175101,
                 -0.03439286610121,
                 -0.07313054237966,
                 -0.07313054237966,
                 -0.01414528718279,
                 0.01697434461935,
                 0.04367817922936,
                 0.04367817922936,
                 -0.05395817726565,
                 0.06474981271878,
                 0,
                 0},
                {0.1291074019376, 0.1880473814856, -0.01177212231958, -0.01444812829793,
                 -0.1291074019376, -0.1880473814856, 0.01177212231958, 0.01444812829793,
                 0.08261889901666, -0.004534896809827, 0.07008523296541, -0.0672400697496,
                 -0.08261889901666, 0.004534896809827, -0.07008523296541, 0.0672400697496},
                {-0.3124199089414, -0.3311364488243, -0.1875800910586, -0.4188635511757,
                 0.2206915914224, 0.2451642369244, 0.5293084085776, 0.2548357630756}});
}

TEST(AttentionTest, AMaskLeavesKeysOut) {
  const Operands operands = WithMask(AttentionOperands(), {Shape{3, 2}, {1, 0, 1, 1, 0, 1}});
  ExpectGolden("attention { head_count: 2 }", operands,
               {1, 0, 0.415252651949, 0.4162642696995, -1, 0.75, -0.25, -1.25, -0.05711251357989,
                -0.9565412080368, 0.5, -0.5},
               {{0,
                 0,
                 0,
                 0,
                 0.2743017138645,
                 -0.3291620566374,
                 0.04093036339017,
                 0.04093036339017,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 -0.03166071567287,
                 0.03799285880744,
                 0.1184192003921,
                 0.1184192003921,
                 0,
                 0,
                 0,
                 0},
                {0.2194413710916, 0, -0.03274429071214, 0.0245582180341, -0.2194413710916, 0,
                 0.03274429071214, -0.0245582180341, 0, 0.02532857253829, 0.07105152023526,
                 -0.02368384007842, 0, -0.02532857253829, -0.07105152023526, 0.02368384007842},
                {0.5307197444809, -1.111245243434, -1.030719744481, 0.3612452434335,
                 -0.3142958288067, 0.7934587919632, 1.064295828807, -0.2934587919632}});
  EXPECT_THAT(GradientOf("attention { head_count: 2 }", operands, 3, Counting), Each(0));
}

TEST(AttentionTest, AMaskForEachBatch) {
  const Tensor<double> shared(Shape{3, 2}, {1, 0, 1, 1, 0, 1});
  const Tensor<double> full(Shape{2, 3, 2}, {1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1});
  const Numbers with_shared = ValuesOf("attention {}", WithMask(AttentionOperands(), shared));
  const Numbers with_full = ValuesOf("attention {}", WithMask(AttentionOperands(), full));
  const Numbers without = ValuesOf("attention {}", AttentionOperands());
  const Tensor<double> value = AttentionOperands()[2];
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(with_full[i], with_shared[i]) << i;
  EXPECT_THAT((Numbers{with_full.begin() + 6, with_full.end()}),
              ElementsAre(value[6], value[7], value[4], value[5], without[10], without[11]));
}

TEST(AttentionTest, AnAdditiveMaskHasAGradient) {
  ExpectGolden("attention { head_count: 2 additive_mask: true }",
               WithMask(AttentionOperands(), Pattern({3, 2}, 4)),
               {-0.9423781744655, 0.6746426540718, 0.7361131082184, 0.2358968762225,
                0.7827482019111, 0.2017060660275, 0.2847978026229, -0.6336018349518,
                -0.165265259586, -1.106566370485, 0.2402480637798, -1.130471448943},
               {{0,
                 0,
                 0.05991466590038,
                 0.05991466590038,
                 0.1518525596459,
                 -0.1822230715751,
                 0.03573108409921,
                 0.03573108409921,
                 -0.2139579455974,
                 0.2567495347169,
                 -0.06516826465184,
                 -0.06516826465184,
                 0.06781723386705,
                 -0.08138068064045,
                 -0.1213158442827,
                 -0.1213158442827,
                 -0.01660848844938,
                 0.01993018613925,
                 0.07689964441651,
                 0.07689964441651,
                 -0.1500750277788,
                 0.1800900333346,
                 0,
                 0},
                {0.1642736368362, 0.2139579455974, -0.04266923996003, 0.01155715678003,
                 -0.1642736368362, -0.2139579455974, 0.04266923996003, -0.01155715678003,
                 0.2178922616459, -0.03317977357863, 0.1189292932195, -0.1124326043095,
                 -0.2178922616459, 0.03317977357863, -0.1189292932195, 0.1124326043095},
                {-0.4631752106125, 0.09368512015155, -0.03682478938745, -0.8436851201515,
                 0.4246228699042, -0.3838966455653, 0.3253771300958, 0.8838966455653},
                {0.007258938146739, -0.007258938146739, 0.2804383228189, -0.2804383228189,
                 -0.4855857694453, 0.4855857694453}});
  ExpectGolden("attention { head_count: 2 additive_mask: true }",
               WithMask(AttentionOperands(), Pattern({2, 3, 2}, 4)),
               {-0.9423781744655, 0.6746426540718, 0.7361131082184, 0.2358968762225,
                0.7827482019111, 0.2017060660275, -0.1471839682407, -1.079175769421,
                0.2493650391238, -0.6596089614411, 0.2402480637798, -1.130471448943},
               {{0,
                 0,
                 0.05991466590038,
                 0.05991466590038,
                 0.1518525596459,
                 -0.1822230715751,
                 0.03573108409921,
                 0.03573108409921,
                 -0.2139579455974,
                 0.2567495347169,
                 -0.06516826465184,
                 -0.06516826465184,
                 0.03920959394155,
                 -0.04705151272986,
                 -0.1457483417726,
                 -0.1457483417726,
                 -0.03687512868569,
                 0.04425015442283,
                 0.08328984304041,
                 0.08328984304041,
                 -0.1500750277788,
                 0.1800900333346,
                 0,
                 0},
                {0.1642736368362, 0.2139579455974, -0.04266923996003, 0.01155715678003,
                 -0.1642736368362, -0.2139579455974, 0.04266923996003, -0.01155715678003,
                 0.1892846217204, -0.02268798937467, 0.1374229108878, -0.1332566420261,
                 -0.1892846217204, 0.02268798937467, -0.1374229108878, 0.1332566420261},
                {-0.4631752106125, 0.09368512015155, -0.03682478938745, -0.8436851201515,
                 -0.001575076908089, 0.8056839875931, 0.7515750769081, -0.3056839875931},
                {0.0677857064811, -0.0677857064811, 0.212226666451, -0.212226666451,
                 -0.3157952577186, 0.3157952577186, -0.1205348336807, 0.1205348336807,
                 0.05251225482729, -0.05251225482729, -0.1697905117267, 0.1697905117267}});
}

TEST(AttentionTest, AQueryWithoutAnyKeyGivesZero) {
  const Operands operands =
      WithMask(Patterns({{2, 1}, {2, 1}, {2, 1}}), {Shape{2, 2}, {0, 0, 0, 1}});
  EXPECT_THAT(ValuesOf("attention {}", operands), ElementsAre(0, operands[2][1]));
  for (const int position : {0, 1}) {
    EXPECT_THAT(GradientOf("attention {}", operands, position, Counting), Each(0));
    EXPECT_THAT(ForwardModeOf("attention {}", operands, position, Counting).gradient, Each(0));
  }
  EXPECT_THAT(GradientOf("attention {}", operands, 2, Counting), ElementsAre(0, 2));
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  const Operands additive =
      WithMask(Patterns({{1, 1}, {2, 1}, {2, 1}}), {Shape{1, 2}, {kNone, kNone}});
  EXPECT_THAT(ValuesOf("attention { additive_mask: true }", additive), ElementsAre(0));
}

TEST(AttentionTest, NanIsNotTakenForAbsence) {
  Operands operands = Patterns({{1, 1}, {2, 1}, {2, 1}});
  operands[0] = {Shape{1, 1}, {std::nan("")}};
  EXPECT_TRUE(std::isnan(ValuesOf("attention {}", operands)[0]));
}

TEST(AttentionTest, HugeScoresDoNotOverflow) {
  const Operands operands = {
      {Shape{1, 1}, {1e100}}, {Shape{2, 1}, {1e100, -1e100}}, {Shape{2, 1}, {3, 5}}};
  EXPECT_THAT(ValuesOf("attention {}", operands), ElementsAre(3));
  for (const int position : {0, 1}) {
    EXPECT_THAT(GradientOf("attention {}", operands, position, Counting), Each(0));
  }
}

// More weights than are worked out at a time: the same as query by query.
TEST(AttentionTest, ManyKeysAreWorkedOutInParts) {
  constexpr int64_t kKeys = 5000;
  const Operands operands = Patterns({{3, 2}, {kKeys, 2}, {kKeys, 2}});
  const Numbers upstream = {1, 2, 3, 4, 5, 6};
  const Numbers output = ValuesOf("attention {}", operands);
  Numbers key_gradient(2 * kKeys);
  for (size_t i = 0; i < 3; ++i) {
    const auto row = [&](const Numbers& numbers) {
      return Numbers{numbers[2 * i], numbers[2 * i + 1]};
    };
    const Operands one = {{Shape{1, 2}, row(operands[0].values())}, operands[1], operands[2]};
    EXPECT_THAT(ValuesOf("attention {}", one), Pointwise(DoubleNear(1e-14), row(output)));
    const Numbers gradient = GradientOf("attention {}", one, 1, row(upstream));
    for (size_t k = 0; k < gradient.size(); ++k) key_gradient[k] += gradient[k];
  }
  EXPECT_THAT(GradientOf("attention {}", operands, 1, upstream),
              Pointwise(DoubleNear(1e-16), key_gradient));
}

TEST(AttentionShapeTest, OperandsDoNotFit) {
  ExpectError("attention {}", {{3}, {2, 3}, {2, 3}}, Reason::kShapeMismatch,
              "query has shape [3], expected 2 axes or more");
  ExpectError("attention {}", {{2, 3}, {2, 3}, {}}, Reason::kShapeMismatch,
              "value has shape [], expected 2 axes or more");
  ExpectError("attention {}", {{2, 3, 4}, {1, 2, 4}, {2, 2, 2}}, Reason::kShapeMismatch,
              "leading axes differ: query has shape [2, 3, 4], key has shape [1, 2, 4], value has "
              "shape [2, 2, 2]");
  ExpectError("attention {}", {{3, 4}, {2, 4}, {1, 2, 2}}, Reason::kShapeMismatch,
              "leading axes differ: query has shape [3, 4], key has shape [2, 4], value has shape "
              "[1, 2, 2]");
  ExpectError("attention {}", {{3, 4}, {2, 5}, {2, 2}}, Reason::kShapeMismatch,
              "query has 4 features (shape [3, 4]), key has 5 (shape [2, 5])");
  ExpectError("attention {}", {{3, 4}, {2, 4}, {3, 2}}, Reason::kShapeMismatch,
              "key has 2 rows (shape [2, 4]), value has 3 (shape [3, 2])");
}

TEST(AttentionShapeTest, MaskDoesNotFit) {
  ExpectError("attention {}", {{3, 4}, {2, 4}, {2, 2}, {2, 3}}, Reason::kShapeMismatch,
              "mask has shape [2, 3], expected [3, 2]");
  ExpectError("attention { additive_mask: true }", {{5, 3, 4}, {5, 2, 4}, {5, 2, 2}, {1, 3, 2}},
              Reason::kShapeMismatch, "mask has shape [1, 3, 2], expected [3, 2] or [5, 3, 2]");
}

TEST(AttentionShapeTest, AttributesAreOutOfRange) {
  const std::vector<Shape> operands = {{3, 4}, {2, 4}, {2, 6}};
  ExpectError("attention { head_count: 0 }", operands, Reason::kInvalidValue,
              "attention.head_count: 0 is not 1 or more");
  ExpectError("attention { head_count: -9223372036854775808 }", operands, Reason::kInvalidValue,
              "attention.head_count: -9223372036854775808 is not 1 or more");
  for (const char* heads : {"3", "4", "9223372036854775807"}) {
    ExpectError(std::string("attention { head_count: ") + heads + " }", operands,
                Reason::kInvalidValue,
                std::string("attention.head_count: ") + heads +
                    " heads do not divide 4 features of query and key and 6 of value");
  }
  ExpectError("attention { scale: inf }", operands, Reason::kInvalidValue,
              "attention.scale: inf is not finite");
  ExpectError("attention { scale: nan }", operands, Reason::kInvalidValue,
              "attention.scale: nan is not finite");
}

}  // namespace
}  // namespace gradus::testing
