#include "tests/support/secret_homework.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "fmt/format.h"
#include "server/engine/evaluation.h"
#include "server/tensor/tensor_proto.h"

namespace gradus::testing {
namespace {

constexpr char kExponential[] = "exp(-z)";
constexpr char kSquare[] = "square";
constexpr double kLearningRate = 0.37;

const v1::Problem& ProblemOf(const v1::Assignment& assignment) {
  return assignment.problems(0).problem();
}

// The first element of a quantity that has the axes of z.
std::string FirstOf(const std::string& quantity, const v1::Assignment& assignment) {
  return quantity + (ProblemOf(assignment).inputs(0).tensor().shape_size() == 2 ? "[0,0]" : "[0]");
}

v1::Tensor DrawTensor(const std::vector<int64_t>& shape, Random& random) {
  v1::Tensor tensor;
  int64_t count = 1;
  for (const int64_t length : shape) {
    tensor.add_shape(length);
    count *= length;
  }
  for (int64_t i = 0; i < count; ++i) tensor.add_values(random.UniformMagnitude(0.2, 0.9));
  return tensor;
}

void AddParameter(const std::string& name, v1::Tensor value, v1::Network* network) {
  v1::Parameter* parameter = network->add_parameters();
  parameter->set_name(name);
  *parameter->mutable_value() = std::move(value);
}

void AddInput(const std::string& name, v1::Tensor value, v1::Problem* problem) {
  problem->mutable_network()->add_inputs()->set_name(name);
  v1::NamedTensor* input = problem->add_inputs();
  input->set_name(name);
  *input->mutable_tensor() = std::move(value);
}

v1::Node* AddNode(const std::string& name, const std::vector<std::string>& inputs,
                  v1::Network* network) {
  v1::Node* node = network->add_nodes();
  node->set_name(name);
  node->mutable_inputs()->Add(inputs.begin(), inputs.end());
  return node;
}

void AddActivation(const std::string& name, const std::string& input, bool is_tanh,
                   v1::Network* network) {
  v1::Node* node = AddNode(name, {input}, network);
  if (is_tanh) {
    node->mutable_tanh();
  } else {
    node->mutable_sigmoid();
  }
}

v1::Item* AddItem(const std::string& id, v1::Assignment* assignment) {
  v1::Item* item = assignment->add_items();
  item->set_id(id);
  return item;
}

// The right answer to an item, among given numbers.
std::vector<double> RightNumbers(const v1::Item& item, const v1::Assignment& assignment,
                                 const Numbers& numbers) {
  if (item.id() == kExponential) return {std::exp(-numbers.at("z")[0])};
  if (item.id() == kSquare) {
    const double off = numbers.at("yhat")[0] - ProblemOf(assignment).inputs(1).tensor().values(0);
    return {off * off};
  }
  const size_t element = item.quantity().find('[');
  const std::vector<double>& whole = numbers.at(item.quantity().substr(0, element));
  if (element == std::string::npos) return whole;
  return {whole[0]};
}

void SetNumbers(const std::vector<double>& numbers, const Shape& shape, bool is_by_hand,
                v1::Answer* answer) {
  if (!is_by_hand) {
    WriteTensor(Tensor<double>(shape, numbers), v1::TENSOR_ENCODING_VALUES,
                answer->mutable_tensor());
    return;
  }
  for (const double number : numbers) {
    answer->mutable_text()->add_values(fmt::format("{:.6f}", number));
  }
}

std::vector<double> Times(double factor, std::vector<double> numbers) {
  for (double& number : numbers) number *= factor;
  return numbers;
}

// p + factor * grad(p)
std::vector<double> Moved(const std::string& parameter, double factor,
                          const v1::Assignment& assignment, const Numbers& truth) {
  for (const v1::Parameter& p : ProblemOf(assignment).network().parameters()) {
    if (p.name() != parameter) continue;
    std::vector<double> numbers(p.value().values().begin(), p.value().values().end());
    const std::vector<double>& gradient = truth.at("grad(" + parameter + ")");
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] += factor * gradient[i];
    return numbers;
  }
  throw std::invalid_argument("no parameter " + parameter);
}

}  // namespace

Structure DrawStructure(Random& random) {
  Structure structure;
  structure.rows = random.Below(3);
  structure.inputs = 1 + random.Below(3);
  structure.hidden = 2 + random.Below(2);
  structure.outputs = 2 + random.Below(2);
  structure.is_tanh = random.Below(2) == 0;
  structure.has_shared_bias = random.Below(2) == 0;
  return structure;
}

v1::Assignment DrawAssignment(const Structure& structure, Random& random) {
  v1::Assignment assignment;
  assignment.set_name("secret");
  v1::NamedProblem* named = assignment.add_problems();
  named->set_name("p");
  v1::Problem* problem = named->mutable_problem();
  const auto batch = [&](int64_t width) {
    return structure.rows == 0 ? std::vector<int64_t>{width}
                               : std::vector<int64_t>{structure.rows, width};
  };
  AddInput("x", DrawTensor(batch(structure.inputs), random), problem);
  AddInput("t", DrawTensor(batch(structure.outputs), random), problem);
  v1::Network* network = problem->mutable_network();
  const auto bias = [&](int64_t width) {
    return std::vector<int64_t>{structure.has_shared_bias ? 1 : width};
  };
  AddParameter("W1", DrawTensor({structure.hidden, structure.inputs}, random), network);
  AddParameter("b1", DrawTensor(bias(structure.hidden), random), network);
  AddParameter("W2", DrawTensor({structure.outputs, structure.hidden}, random), network);
  AddParameter("b2", DrawTensor(bias(structure.outputs), random), network);
  AddNode("z", {"x", "W1", "b1"}, network)->mutable_dense();
  AddActivation("h", "z", structure.is_tanh, network);
  AddNode("o", {"h", "W2", "b2"}, network)->mutable_dense();
  AddActivation("yhat", "o", structure.is_tanh, network);
  AddNode("L", {"yhat", "t"}, network)
      ->mutable_half_squared_error()
      ->set_reduction(v1::REDUCTION_SUM);
  problem->set_objective("L");
  problem->mutable_optimizer()->mutable_sgd()->set_learning_rate(kLearningRate);

  AddItem("z", &assignment)->set_quantity("z");
  AddItem(kExponential, &assignment)
      ->set_formula(fmt::format("exp(-{})", FirstOf("z", assignment)));
  for (const char* quantity : {"h", "o", "yhat"}) {
    AddItem(quantity, &assignment)->set_quantity(quantity);
  }
  const std::string first_yhat = FirstOf("yhat", assignment);
  AddItem(kSquare, &assignment)
      ->set_formula(fmt::format("({} - {})^2", first_yhat, FirstOf("t", assignment)));
  for (const char* quantity :
       {"L", "grad(yhat)", "slope(yhat)", "grad(o)", "grad(W2)", "grad(b2)", "grad(h)", "slope(h)",
        "grad(z)", "grad(W1)", "grad(b1)", "next(W1)", "next(b1)", "next(b2)"}) {
    AddItem(quantity, &assignment)->set_quantity(quantity);
  }
  AddItem("next(W2)", &assignment)->set_quantity("next(W2)[0,0]");
  // So tight that what is carried is never near the truth by chance.
  v1::Policy* policy = assignment.mutable_policy();
  policy->mutable_tolerance()->set_relative(1e-9);
  policy->mutable_tolerance()->set_absolute(1e-9);
  policy->mutable_required_digits()->set_decimals(3);
  policy->set_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
  return assignment;
}

CompiledAssignment Compiled(const v1::Assignment& assignment) {
  const std::atomic<bool> cancelled = false;
  absl::StatusOr<CompiledAssignment> compiled =
      CompiledAssignment::Compile(assignment, Limits(), cancelled);
  if (!compiled.ok()) throw std::invalid_argument(compiled.status().ToString());
  return *std::move(compiled);
}

Numbers NumbersOf(const v1::Assignment& assignment, const Numbers& pins) {
  v1::StepRequest request;
  *request.mutable_problem() = ProblemOf(assignment);
  const auto run = [&request] {
    const std::atomic<bool> cancelled = false;
    v1::StepResponse response;
    const absl::StatusOr<Evaluation> evaluation = Prepare(request, Limits());
    const absl::Status status =
        evaluation.ok() ? Run(*evaluation, cancelled, &response) : evaluation.status();
    if (!status.ok()) throw std::invalid_argument(status.ToString());
    return response.trace();
  };
  const v1::Trace without_pins = run();
  for (const v1::TraceEntry& entry : without_pins.entries()) {
    const auto pin = pins.find(entry.address());
    if (pin == pins.end()) continue;
    v1::Pin* added = request.add_pins();
    added->set_address(entry.address());
    *added->mutable_value() = entry.tensor();
    added->mutable_value()->mutable_values()->Assign(pin->second.begin(), pin->second.end());
  }
  const v1::Trace trace = run();
  Numbers numbers;
  for (const v1::TraceEntry& entry : trace.entries()) {
    numbers[entry.address()].assign(entry.tensor().values().begin(), entry.tensor().values().end());
  }
  return numbers;
}

Pattern DrawPattern(const v1::Assignment& assignment, Random& random) {
  Pattern pattern;
  for (int i = 0; i < assignment.items_size(); ++i) {
    pattern.push_back(static_cast<AnswerKind>(random.Below(kAnswerKinds)));
  }
  return pattern;
}

v1::Submission PaperOf(const CompiledAssignment& assignment, const Pattern& pattern,
                       Random& random) {
  v1::Submission paper;
  paper.set_id("paper");
  for (size_t i = 0; i < pattern.size(); ++i) {
    const CompiledItem& item = assignment.items()[i];
    v1::Answer answer;
    answer.set_item(item.id);
    std::vector<double> numbers = item.key.values();
    const auto make_wrong = [&](size_t count, double least) {
      for (size_t e = 0; e < count; ++e) numbers[e] += random.UniformMagnitude(least, least + 1);
    };
    switch (pattern[i]) {
      case AnswerKind::kRight:
        SetNumbers(numbers, item.key.shape(), false, &answer);
        break;
      case AnswerKind::kRightByHand:
        SetNumbers(numbers, item.key.shape(), true, &answer);
        break;
      case AnswerKind::kWrong:
        make_wrong(numbers.size(), 0.5);
        SetNumbers(numbers, item.key.shape(), false, &answer);
        break;
      case AnswerKind::kPartlyWrong:
        make_wrong(1, 0.5);
        SetNumbers(numbers, item.key.shape(), true, &answer);
        break;
      case AnswerKind::kWrongFewDigits:
        make_wrong(numbers.size(), 1);
        for (const double number : numbers) {
          answer.mutable_text()->add_values(fmt::format("{:.1f}", number));
        }
        break;
      case AnswerKind::kNoNumber:
        for (size_t e = 0; e < numbers.size(); ++e) answer.mutable_text()->add_values("0,5x");
        break;
      case AnswerKind::kNotFinite:
        numbers.back() = std::numeric_limits<double>::infinity();
        SetNumbers(numbers, item.key.shape(), false, &answer);
        break;
      case AnswerKind::kEmpty:
        break;
      case AnswerKind::kTwice:
        SetNumbers(numbers, item.key.shape(), false, &answer);
        *paper.add_answers() = answer;
        break;
      case AnswerKind::kWrongShape:
        answer.mutable_text()->add_shape(7);
        for (int e = 0; e < 7; ++e) answer.mutable_text()->add_values("0.5");
        break;
      case AnswerKind::kMissing:
        continue;
      case AnswerKind::kRightFormula: {
        if (!item.formula.has_value()) continue;
        const bool has_rows = assignment.items()[0].key.shape().rank() == 2;
        const std::string first = has_rows ? "[0,0]" : "[0]";
        answer.set_formula(item.id == kExponential ? fmt::format("1/exp(z{})", first)
                                                   : fmt::format("(t{0} - yhat{0})^2", first));
        break;
      }
      case AnswerKind::kWrongFormula:
        answer.set_formula("7.5 + W1[0,0]");
        break;
      case AnswerKind::kUnreadableFormula:
        answer.set_formula("7.5 +* W1[0,0]");
        break;
      case AnswerKind::kFormulaOfLater:
        answer.set_formula("next(W2)[0,0]");
        break;
      case AnswerKind::kFormulaWithoutValue:
        answer.set_formula("log(-1)");
        break;
    }
    *paper.add_answers() = answer;
  }
  v1::Answer* unexpected = paper.add_answers();
  unexpected->set_item("grad(nothing)");
  unexpected->mutable_text()->add_values("0.5");
  return paper;
}

const std::vector<SampleMistake>& SampleMistakes() {
  using A = const v1::Assignment&;
  using N = const Numbers&;
  static const auto& mistakes = *new std::vector<SampleMistake>{
      {"missing_activation_derivative", "grad(z)", [](A, N truth) { return truth.at("grad(h)"); }},
      {"sign_flip", "grad(W2)", [](A, N truth) { return Times(-1, truth.at("grad(W2)")); }},
      {"factor", "grad(W1)", [](A, N truth) { return Times(2, truth.at("grad(W1)")); }},
      {"gradient_ascent", "next(W1)",
       [](A assignment, N truth) { return Moved("W1", kLearningRate, assignment, truth); }},
      {"learning_rate_missing", "next(W1)",
       [](A assignment, N truth) { return Moved("W1", -1, assignment, truth); }},
      {"no_update", "next(b1)",
       [](A assignment, N truth) { return Moved("b1", 0, assignment, truth); }},
      {"arithmetic_slip", "h",
       [](A, N truth) {
         std::vector<double> numbers = truth.at("h");
         numbers[0] += 0.3;
         return numbers;
       }},
  };
  return mistakes;
}

v1::Submission PaperWith(const SampleMistake& mistake, const v1::Assignment& assignment,
                         const CompiledAssignment& compiled, bool is_by_hand) {
  const Numbers own = NumbersOf(
      assignment, {{mistake.quantity, mistake.made_of(assignment, NumbersOf(assignment))}});
  v1::Submission paper;
  paper.set_id("paper");
  for (int i = 0; i < assignment.items_size(); ++i) {
    const v1::Item& item = assignment.items(i);
    v1::Answer* answer = paper.add_answers();
    answer->set_item(item.id());
    SetNumbers(RightNumbers(item, assignment, own),
               compiled.items()[static_cast<size_t>(i)].key.shape(), is_by_hand, answer);
  }
  return paper;
}

}  // namespace gradus::testing
