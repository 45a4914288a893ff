# Writes the bytes of INPUT into the C++ source OUTPUT: those that FUNCTION returns, as HEADER declares it.

file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"

namespace gradus {

static const unsigned char kBytes[] = {${bytes}};

std::string_view ${FUNCTION}() {
  return {reinterpret_cast<const char*>(kBytes), sizeof(kBytes)};
}

}  // namespace gradus
")
