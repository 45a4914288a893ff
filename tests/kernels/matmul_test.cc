#include "server/kernels/matmul.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"

#include "fmt/format.h"
#include "tests/support/random.h"

namespace gradus {
namespace {

// Rows, columns and the length that is summed over. On both sides of 512 multiplications, from
// where on products are vectorised, and with the shapes for which a vectorised product takes ways
// of its own: inner and outer products, matrix times vector, and lengths that no vector width
// divides.
constexpr struct Size {
  int64_t rows, inner, columns;
} kSizes[] = {
    {1, 1, 1},   {1, 7, 1},   {7, 1, 1},   {1, 1, 7},   {3, 4, 5},    {8, 8, 8},    {7, 73, 1},
    {8, 8, 9},   {7, 11, 7},  {1, 512, 1}, {1, 513, 1}, {1, 1029, 1}, {513, 1, 1},  {1, 1, 513},
    {1, 33, 17}, {33, 17, 1}, {40, 1, 41}, {17, 3, 19}, {33, 31, 29}, {64, 65, 66},
};

// How a matrix lies in memory: row-major or column-major, with `padding` unused numbers after each
// line, as in a part of a larger matrix.
struct Layout {
  bool transposed;
  int64_t padding;
};
constexpr Layout kLayouts[] = {{false, 0}, {true, 0}, {false, 3}, {true, 3}};

// A random matrix in a layout, and its numbers.
template <class T>
class StoredMatrix {
 public:
  // `shift` moves the numbers off the alignment that allocation gives.
  StoredMatrix(int64_t rows, int64_t columns, const Layout& layout, uint64_t seed,
               int64_t shift = 0)
      : rows_(rows), columns_(columns), transposed_(layout.transposed), shift_(shift) {
    const int64_t lines = transposed_ ? columns : rows;
    line_length_ = (transposed_ ? rows : columns) + layout.padding;
    // NaN in the gaps: reading one shows.
    values_.assign(static_cast<size_t>(shift + lines * line_length_),
                   std::numeric_limits<T>::quiet_NaN());
    testing::Random random(seed);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        values_[Position(i, j)] = static_cast<T>(random.Uniform(-1, 1));
      }
    }
  }

  T at(int64_t row, int64_t column) const { return values_[Position(row, column)]; }
  MatrixView<T> view() const {
    const T* const data = values_.data() + shift_;
    return transposed_ ? MatrixView<T>{data, rows_, columns_, 1, line_length_}
                       : MatrixView<T>{data, rows_, columns_, line_length_, 1};
  }

 private:
  size_t Position(int64_t row, int64_t column) const {
    return static_cast<size_t>(
        shift_ + (transposed_ ? column * line_length_ + row : row * line_length_ + column));
  }

  int64_t rows_;
  int64_t columns_;
  bool transposed_;
  int64_t shift_;
  int64_t line_length_;
  std::vector<T> values_;
};

template <class T>
class MatMulTest : public ::testing::Test {};
using Scalars = ::testing::Types<double, float>;
TYPED_TEST_SUITE(MatMulTest, Scalars);

// Checks `multiply` on every size and layout against a triple loop in long double. The bound is the
// one of the theory: every order of summation stays within it.
template <class T, class F>
void ExpectProduct(F multiply) {
  constexpr uint64_t kSeed = 1;
  for (const Size& size : kSizes) {
    for (const Layout& left : kLayouts) {
      for (const Layout& right : kLayouts) {
        SCOPED_TRACE(fmt::format("[{}, {}]{} times [{}, {}]{}, padding {} and {}, seed {}",
                                 size.rows, size.inner, left.transposed ? " column-major" : "",
                                 size.inner, size.columns, right.transposed ? " column-major" : "",
                                 left.padding, right.padding, kSeed));
        const StoredMatrix<T> a(size.rows, size.inner, left, kSeed);
        const StoredMatrix<T> b(size.inner, size.columns, right, kSeed + 1);
        // Starts from something, because a product is added. The last number is beyond the product.
        std::vector<T> out(static_cast<size_t>(size.rows * size.columns + 1), T(0.5));
        multiply(a.view(), b.view(), out.data());
        EXPECT_EQ(out.back(), T(0.5));
        for (int64_t i = 0; i < size.rows; ++i) {
          for (int64_t j = 0; j < size.columns; ++j) {
            long double sum = 0.5L;
            long double magnitude = 0.5L;
            for (int64_t k = 0; k < size.inner; ++k) {
              const long double product = static_cast<long double>(a.at(i, k)) * b.at(k, j);
              sum += product;
              magnitude += std::abs(product);
            }
            const long double bound = static_cast<long double>(size.inner + 1) *
                                      std::numeric_limits<T>::epsilon() * magnitude;
            const long double found = out[static_cast<size_t>(i * size.columns + j)];
            // Written so that NaN fails.
            ASSERT_TRUE(std::abs(found - sum) <= bound)
                << "element [" << i << ", " << j << "]: " << found << ", expected " << sum;
          }
        }
      }
    }
  }
}

TYPED_TEST(MatMulTest, AddsTheProduct) {
  using T = TypeParam;
  ExpectProduct<T>(
      [](const MatrixView<T>& a, const MatrixView<T>& b, T* out) { MatMulAdd(a, b, out); });
}

// What number systems without vector instructions use at every size.
TYPED_TEST(MatMulTest, PlainLoopsAddTheProduct) {
  using T = TypeParam;
  ExpectProduct<T>(
      [](const MatrixView<T>& a, const MatrixView<T>& b, T* out) { PlainMatMulAdd(a, b, out); });
}

// Where a tensor happens to lie in memory must not decide the last bit.
TYPED_TEST(MatMulTest, GivesTheSameBitsAtEveryAlignment) {
  using T = TypeParam;
  for (const Size& size : kSizes) {
    for (const Layout& layout : {kLayouts[0], kLayouts[1]}) {
      const auto count = static_cast<size_t>(size.rows * size.columns);
      std::vector<T> first;
      for (int64_t shift = 0; shift < 8; ++shift) {
        const StoredMatrix<T> a(size.rows, size.inner, layout, 1, shift);
        const StoredMatrix<T> b(size.inner, size.columns, layout, 2, shift / 2);
        std::vector<T> out(static_cast<size_t>(shift) + count);
        MatMulAdd(a.view(), b.view(), out.data() + shift);
        out.erase(out.begin(), out.begin() + shift);
        if (shift == 0) first = out;
        ASSERT_EQ(out, first) << fmt::format("[{}, {}] times [{}, {}], shift {}", size.rows,
                                             size.inner, size.inner, size.columns, shift);
      }
    }
  }
}

TEST(MatrixViewTest, TransposingSwapsLengthsAndStrides) {
  const double numbers[] = {1, 2, 3, 4, 5, 6};
  const auto view = MatrixView<double>::RowMajor(numbers, 2, 3);
  EXPECT_EQ(view.row_stride, 3);
  EXPECT_EQ(view.column_stride, 1);
  const auto transposed = view.Transposed();
  EXPECT_EQ(transposed.data, numbers);
  EXPECT_EQ(transposed.rows, 3);
  EXPECT_EQ(transposed.columns, 2);
  EXPECT_EQ(transposed.row_stride, 1);
  EXPECT_EQ(transposed.column_stride, 3);
}

// Dual numbers of which a few move, and one of which came through a branch.
std::vector<Dual> DualMatrixOf(int64_t size, uint64_t seed) {
  testing::Random random(seed);
  std::vector<Dual> numbers;
  for (int64_t i = 0; i < size; ++i) {
    const double derivative = random.Below(7) == 0 ? random.Uniform(-1, 1) : 0;
    numbers.emplace_back(random.Uniform(-1, 1), derivative);
  }
  return numbers;
}

TEST(MatMulTest, DualNumbersAreThoseOfPlainLoops) {
  for (const Size& size : kSizes) {
    std::vector<Dual> a = DualMatrixOf(size.rows * size.inner, 1);
    const std::vector<Dual> b = DualMatrixOf(size.inner * size.columns, 2);
    const auto left = MatrixView<Dual>::RowMajor(a.data(), size.rows, size.inner);
    // Transposed, so that both strides are at work.
    const auto right = MatrixView<Dual>::RowMajor(b.data(), size.columns, size.inner).Transposed();
    std::vector<Dual> expected = DualMatrixOf(size.rows * size.columns, 3);
    std::vector<Dual> out = expected;
    PlainMatMulAdd(left, right, expected.data());
    MatMulAdd(left, right, out.data());
    const double tolerance = 1e-15 * static_cast<double>(size.inner + 1);
    for (size_t i = 0; i < out.size(); ++i) {
      EXPECT_NEAR(out[i].value(), expected[i].value(), tolerance);
      EXPECT_NEAR(out[i].derivative(), expected[i].derivative(), tolerance);
      EXPECT_EQ(out[i].branches(), 0U);
      EXPECT_FALSE(out[i].at_kink());
    }
    // What came through a branch marks its row of the product, and no other.
    const Dual marked = SelectPositive(Dual(0, 1), a.back(), Dual(0));
    ASSERT_NE(marked.branches(), 0U);
    a.back() = marked;
    std::vector<Dual> product(out.size());
    MatMulAdd(left, right, product.data());
    for (int64_t i = 0; i < size.rows; ++i) {
      const Dual& first = product[static_cast<size_t>(i * size.columns)];
      EXPECT_EQ(first.branches() != 0, i == size.rows - 1);
      EXPECT_EQ(first.at_kink(), i == size.rows - 1);
    }
  }
}

}  // namespace
}  // namespace gradus
