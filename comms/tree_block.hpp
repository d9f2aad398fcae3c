// A file or a folder with all below it as a sequence of blocks. A block: u32 number of records,
// then the records, each a u8 kind and its fields (mnp/core/frame.hpp). Paths are relative to the
// top, which is "".
#pragma once

#include <cstddef>
#include <cstdint>

namespace mnp::comms {

enum class TreeRecord : uint8_t {
  kFolder = 1,   // path, u32 mode bits
  kLink = 2,     // path, text it points to
  kFile = 3,     // path, u32 mode bits; then any number of kData, then kFileEnd
  kData = 4,     // text: the next bytes of the file
  kFileEnd = 5,  // u64 bytes, u32 CRC-32C of all of them
};

inline constexpr size_t kTreeBlockBytes = size_t{1} << 20;   // a block ends past this many
inline constexpr size_t kTreeDataBytes = size_t{256} << 10;  // of a file in one record

}  // namespace mnp::comms
