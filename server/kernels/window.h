#ifndef GRADUS_SERVER_KERNELS_WINDOW_H_
#define GRADUS_SERVER_KERNELS_WINDOW_H_

#include <algorithm>
#include <cstdint>

#include "server/kernels/interruption.h"

namespace gradus {

// Windows along one spatial axis: window w covers the places w * stride - padding + k * dilation
// for its elements k from 0 to size - 1. Places outside of 0 to length - 1 are padding.
struct WindowAxis {
  int64_t length;  // of the axis, without padding
  int64_t windows;
  int64_t size;
  int64_t stride;
  int64_t padding;
  int64_t dilation;

  int64_t Place(int64_t window, int64_t element) const {
    return window * stride - padding + element * dilation;
  }
  bool Holds(int64_t place) const { return place >= 0 && place < length; }
};

// Windows on the height and the width of an image. Windows and elements are counted in row-major
// order.
struct WindowGrid {
  WindowAxis height;
  WindowAxis width;

  int64_t windows() const { return height.windows * width.windows; }
  int64_t window_size() const { return height.size * width.size; }
  int64_t image_size() const { return height.length * width.length; }
};

// Calls f(place) for each place in the image that a window without dilation covers, in row-major
// order; never for padding, of which there may be far more.
template <class F>
void ForEachPlace(const WindowGrid& grid, int64_t window, F f) {
  const auto first = [](const WindowAxis& axis, int64_t at) {
    return std::max<int64_t>(axis.Place(at, 0), 0);
  };
  const auto end = [](const WindowAxis& axis, int64_t at) {
    return std::min(axis.Place(at, axis.size), axis.length);
  };
  const int64_t row = window / grid.width.windows;
  const int64_t column = window % grid.width.windows;
  const int64_t first_x = first(grid.width, column);
  const int64_t x_count = end(grid.width, column) - first_x;
  const int64_t first_y = first(grid.height, row);
  ForEachIndex(end(grid.height, row) - first_y, [&](int64_t i) {
    const int64_t begin = (first_y + i) * grid.width.length + first_x;
    ForEachIndex(x_count, [&](int64_t j) { f(begin + j); });
  });
}

namespace internal {

// Calls f(position, place) for each element of `count` windows from `first` on that is no padding:
// its place in an image [channels, height, width], and its position in a matrix with a row per
// channel and element, and a column per window.
template <class F>
void ForEachWindowElement(const WindowGrid& grid, int64_t channels, int64_t first, int64_t count,
                          F f) {
  const auto& [height, width] = grid;
  int64_t row = 0;
  for (int64_t channel = 0; channel < channels; ++channel) {
    for (int64_t i = 0; i < height.size; ++i) {
      for (int64_t j = 0; j < width.size; ++j, row += count) {
        if (Interrupted(count)) return;
        int64_t window_row = first / width.windows;
        int64_t window_column = first % width.windows;
        for (int64_t column = 0; column < count; ++window_row, window_column = 0) {
          const int64_t end = std::min(width.windows, window_column + count - column);
          const int64_t y = height.Place(window_row, i);
          if (!height.Holds(y)) {
            column += end - window_column;
            continue;
          }
          const int64_t begin_of_row = (channel * height.length + y) * width.length;
          for (; window_column < end; ++window_column, ++column) {
            const int64_t x = width.Place(window_column, j);
            if (width.Holds(x)) f(row + column, begin_of_row + x);
          }
        }
      }
    }
  }
}

}  // namespace internal

// Writes `count` windows of an image [channels, height, width], from `first` on, side by side: a
// matrix [channels * window_size, count] whose columns are windows, 0 where they reach into the
// padding. Also called im2col.
template <class T>
void GatherWindows(const WindowGrid& grid, const T* image, int64_t channels, int64_t first,
                   int64_t count, T* columns) {
  std::fill_n(columns, channels * grid.window_size() * count, T(0));
  internal::ForEachWindowElement(
      grid, channels, first, count,
      [&](int64_t position, int64_t place) { columns[position] = image[place]; });
}

// The transpose of GatherWindows: adds each element of the matrix to the place of the image that it
// would come from. Also called col2im.
template <class T>
void ScatterWindowsAdd(const WindowGrid& grid, const T* columns, int64_t channels, int64_t first,
                       int64_t count, T* image) {
  internal::ForEachWindowElement(
      grid, channels, first, count,
      [&](int64_t position, int64_t place) { image[place] += columns[position]; });
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_WINDOW_H_
