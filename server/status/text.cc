#include "server/status/text.h"

namespace gradus {
namespace {

unsigned char Byte(char c) { return static_cast<unsigned char>(c); }

bool IsContinuation(char c) { return (Byte(c) & 0xc0) == 0x80; }

}  // namespace

std::string_view CutUtf8(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t length = max_bytes;
  while (length > 0 && IsContinuation(text[length])) --length;
  return text.substr(0, length);
}

std::string Printable(std::string_view text, size_t max_bytes) {
  const std::string_view kept = CutUtf8(text, max_bytes);
  std::string printable;
  for (size_t i = 0; i < kept.size(); ++i) {
    // U+0080 to U+009F, the controls beyond ASCII, are 0xc2 0x80 to 0xc2 0x9f.
    const bool wide_control =
        Byte(kept[i]) == 0xc2 && i + 1 < kept.size() && Byte(kept[i + 1]) < 0xa0;
    if (wide_control) ++i;
    printable += wide_control || Byte(kept[i]) < 0x20 || Byte(kept[i]) == 0x7f ? '?' : kept[i];
  }
  if (kept.size() < text.size()) printable += "...";
  return printable;
}

}  // namespace gradus
