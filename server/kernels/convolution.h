#ifndef GRADUS_SERVER_KERNELS_CONVOLUTION_H_
#define GRADUS_SERVER_KERNELS_CONVOLUTION_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "server/kernels/interruption.h"
#include "server/kernels/matmul.h"
#include "server/kernels/window.h"

namespace gradus {

// A convolution (without flipping: a cross-correlation) is linear in each of three tensors:
//
//   image   [batch, groups * image_channels, height, width]
//   weight  [groups * map_channels, image_channels, window height, window width]
//   map     [batch, groups * map_channels, windows of the height, windows of the width]
//
// The three functions below add to each of them what the other two give.
struct Convolution {
  int64_t batch;
  int64_t groups;
  int64_t image_channels;  // of one group
  int64_t map_channels;    // of one group
  WindowGrid grid;

  // Numbers of one group that a window covers.
  int64_t depth() const { return image_channels * grid.window_size(); }
};

namespace internal {

// One group of one example, and some of its windows: where its numbers begin in each tensor.
struct ConvolutionBlock {
  int64_t image;
  int64_t weight;
  int64_t map;
  int64_t first_window;
  int64_t window_count;
};

// Windows whose numbers are held as a matrix at a time: enough for a fast product, while the
// matrix, which repeats the image once per element of a window, stays small.
inline int64_t WindowsPerBlock(const Convolution& c) {
  constexpr int64_t kNumbers = int64_t{1} << 16;
  const int64_t per_window = std::max(c.depth(), c.map_channels);
  return std::min(c.grid.windows(), std::max<int64_t>(kNumbers / per_window, 1));
}

template <class F>
void ForEachBlock(const Convolution& c, F f) {
  const int64_t windows = c.grid.windows();
  const int64_t per_block = WindowsPerBlock(c);
  for (int64_t example = 0; example < c.batch; ++example) {
    for (int64_t group = 0; group < c.groups; ++group) {
      const int64_t at = example * c.groups + group;
      for (int64_t first = 0; first < windows; first += per_block) {
        if (Interrupted(1)) return;
        f(ConvolutionBlock{
            at * c.image_channels * c.grid.image_size(), group * c.map_channels * c.depth(),
            at * c.map_channels * windows + first, first, std::min(per_block, windows - first)});
      }
    }
  }
}

// A row per channel of the map, a column per window of the block.
template <class T>
MatrixView<T> MapMatrix(const Convolution& c, const ConvolutionBlock& block, const T* map) {
  return {map + block.map, c.map_channels, block.window_count, c.grid.windows(), 1};
}

template <class T>
MatrixView<T> WeightMatrix(const Convolution& c, const ConvolutionBlock& block, const T* weight) {
  return MatrixView<T>::RowMajor(weight + block.weight, c.map_channels, c.depth());
}

}  // namespace internal

// Numbers that each of the functions below holds beside the three tensors, at most.
inline double ConvolutionScratch(const Convolution& c) {
  return static_cast<double>(internal::WindowsPerBlock(c)) *
         static_cast<double>(c.depth() + c.map_channels);
}

// map += image * weight: the convolution.
template <class T>
void ConvolveAdd(const Convolution& c, const T* image, const T* weight, T* map) {
  const int64_t per_block = internal::WindowsPerBlock(c);
  std::vector<T> columns(static_cast<size_t>(c.depth() * per_block));
  std::vector<T> product(static_cast<size_t>(c.map_channels * per_block));
  internal::ForEachBlock(c, [&](const internal::ConvolutionBlock& block) {
    GatherWindows(c.grid, image + block.image, c.image_channels, block.first_window,
                  block.window_count, columns.data());
    std::fill(product.begin(), product.end(), T(0));
    MatMulAdd(internal::WeightMatrix(c, block, weight),
              MatrixView<T>::RowMajor(columns.data(), c.depth(), block.window_count),
              product.data());
    const T* next = product.data();
    for (int64_t channel = 0; channel < c.map_channels; ++channel) {
      T* const row = map + block.map + channel * c.grid.windows();
      ForEachIndex(block.window_count, [&](int64_t i) { row[i] += *next++; });
    }
  });
}

// image += what the map gives through the same weights: the input gradient of the convolution, and
// the transposed convolution.
template <class T>
void TransposedConvolveAdd(const Convolution& c, const T* map, const T* weight, T* image) {
  std::vector<T> columns(static_cast<size_t>(c.depth() * internal::WindowsPerBlock(c)));
  internal::ForEachBlock(c, [&](const internal::ConvolutionBlock& block) {
    std::fill(columns.begin(), columns.end(), T(0));
    MatMulAdd(internal::WeightMatrix(c, block, weight).Transposed(),
              internal::MapMatrix(c, block, map), columns.data());
    ScatterWindowsAdd(c.grid, columns.data(), c.image_channels, block.first_window,
                      block.window_count, image + block.image);
  });
}

// weight += the sum over examples and windows of map times image: the weight gradient of both.
template <class T>
void ConvolutionWeightAdd(const Convolution& c, const T* image, const T* map, T* weight) {
  std::vector<T> columns(static_cast<size_t>(c.depth() * internal::WindowsPerBlock(c)));
  internal::ForEachBlock(c, [&](const internal::ConvolutionBlock& block) {
    GatherWindows(c.grid, image + block.image, c.image_channels, block.first_window,
                  block.window_count, columns.data());
    MatMulAdd(internal::MapMatrix(c, block, map),
              MatrixView<T>::RowMajor(columns.data(), c.depth(), block.window_count).Transposed(),
              weight + block.weight);
  });
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_CONVOLUTION_H_
