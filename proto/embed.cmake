# Writes the bytes of INPUT into the C++ source OUTPUT, as proto/network_descriptor.h declares them.

file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include \"proto/network_descriptor.h\"

namespace gradus {

static const unsigned char kBytes[] = {${bytes}};

std::string_view NetworkDescriptorSet() {
  return {reinterpret_cast<const char*>(kBytes), sizeof(kBytes)};
}

}  // namespace gradus
")
