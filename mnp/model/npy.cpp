#include "mnp/model/npy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mnp::model {
namespace {

static_assert(std::endian::native == std::endian::little, "data is used as it lies in the file");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kPreamble1 = 10;  // magic, version, u16 length
constexpr size_t kPreamble2 = 12;  // magic, version, u32 length
constexpr size_t kAlignment = 64;
constexpr auto kWriteDeadline = std::chrono::minutes(5);

struct TypeName {
  DType dtype;
  std::string_view descr;
  size_t size;
};
constexpr std::array<TypeName, 5> kTypes = {{{DType::kFloat32, "<f4", 4},
                                             {DType::kFloat64, "<f8", 8},
                                             {DType::kInt32, "<i4", 4},
                                             {DType::kInt64, "<i8", 8},
                                             {DType::kUint16, "<u2", 2}}};

const TypeName& type_name(DType dtype) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](const TypeName& type) { return type.dtype == dtype; });
  MNP_ASSERT(found != kTypes.end(), "no such dtype");
  return *found;
}

std::optional<size_t> multiply(size_t a, size_t b) {
  size_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// The header's Python dictionary, of the one form that NumPy writes.
class Dictionary {
 public:
  explicit Dictionary(std::string_view text) : rest_(text) {}

  Result<NpyHeader> parse() {
    MNP_CHECK(expect('{'));
    while (!skip('}')) {
      MNP_TRY(const std::string_view key, quoted("a key"));
      MNP_CHECK(expect(':'));
      MNP_CHECK(value(key));
      if (skip(',')) continue;
      MNP_CHECK(expect('}'));
      break;
    }
    if (!blank_to_end()) return wrong("something follows the dictionary");
    for (const auto& [name, seen] : {std::pair("descr", descr_), std::pair("fortran_order", order_),
                                     std::pair("shape", shape_)})
      if (!seen) return wrong(fmt::format("'{}' is missing", name));
    return header_;
  }

 private:
  static tl::unexpected<Error> wrong(const std::string& what) {
    return fail(Code::kConfig, "npy header: " + what);
  }

  void blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }
  bool skip(char c) {
    blanks();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  Status expect(char c) {
    if (skip(c)) return {};
    return wrong(fmt::format("'{}' expected", c));
  }
  bool blank_to_end() {
    blanks();
    return rest_.empty();
  }
  Result<std::string_view> quoted(std::string_view what) {
    blanks();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"'))
      return wrong(fmt::format("{} in quotes expected", what));
    const size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) return wrong("a quote is not closed");
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  Status value(std::string_view key) {
    if (key == "descr") return once(descr_, key, &Dictionary::read_descr);
    if (key == "fortran_order") return once(order_, key, &Dictionary::read_order);
    if (key == "shape") return once(shape_, key, &Dictionary::read_shape);
    return wrong("an unknown key");
  }
  Status once(bool& seen, std::string_view key, Status (Dictionary::*read)()) {
    if (std::exchange(seen, true)) return wrong(fmt::format("'{}' stands there twice", key));
    return (this->*read)();
  }

  Status read_descr() {
    blanks();
    if (!rest_.empty() && rest_[0] == '[') return wrong("records are not supported");
    MNP_TRY(const std::string_view descr, quoted("the dtype"));
    for (const TypeName& type : kTypes) {
      if (descr == type.descr) {
        header_.dtype = type.dtype;
        return {};
      }
    }
    if (!descr.empty() && descr[0] == '>') return wrong("big endian data are not supported");
    const bool plain = descr.size() <= 16 && std::all_of(descr.begin(), descr.end(),
                                                         [](char c) { return c > ' ' && c < 127; });
    return wrong(fmt::format("dtype {} is none of <f4 <f8 <i4 <i8 <u2", plain ? descr : "name"));
  }
  Status read_order() {
    blanks();
    if (rest_.substr(0, 4) == "True") return wrong("Fortran order is not supported");
    if (rest_.substr(0, 5) != "False") return wrong("True or False expected");
    rest_.remove_prefix(5);
    return {};
  }
  Status read_shape() {
    MNP_CHECK(expect('('));
    bool comma = true;
    while (!skip(')')) {
      if (!comma) return wrong("',' or ')' expected in the shape");
      blanks();
      size_t extent = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc()) return wrong("the shape holds something else than sizes");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      header_.shape.push_back(extent);
      if (header_.shape.size() > kMaxNpyRank) return wrong("too many dimensions");
      comma = skip(',');
    }
    if (header_.shape.size() == 1 && !comma) return wrong("the shape is no tuple");
    return {};
  }

  std::string_view rest_;
  NpyHeader header_;
  bool descr_ = false, order_ = false, shape_ = false;
};

/// Zero extents do not hide an overflow of the others.
Status check_size(const NpyHeader& header) {
  std::optional<size_t> bytes = size_of(header.dtype);
  for (const size_t extent : header.shape) {
    if (bytes) bytes = multiply(*bytes, std::max<size_t>(extent, 1));
    if (!bytes || *bytes > kMaxNpyData)
      return fail(Code::kConfig, "npy header: the array is larger than 1 TiB");
  }
  return {};
}

struct OpenFile {
  Fd fd;
  NpyHeader header;
};

Result<OpenFile> open_npy(const fs::path& path) {
  OpenFile file;
  file.fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.fd) return fail_errno("open " + path.string());
  struct stat info = {};
  if (::fstat(file.fd.get(), &info) != 0) return fail_errno("stat " + path.string());
  if (!S_ISREG(info.st_mode)) return fail(Code::kConfig, path.string() + ": not a file");
  std::string start(std::min<size_t>(static_cast<size_t>(info.st_size), kMaxNpyHeader), '\0');
  const ssize_t got = ::pread(file.fd.get(), start.data(), start.size(), 0);
  if (got < 0) return fail_errno("read " + path.string());
  start.resize(static_cast<size_t>(got));
  auto header = parse_npy_header(start);
  if (!header) return fail(header.error().within(path.string()));
  const size_t expected = header->data_offset + header->data_bytes();
  if (static_cast<size_t>(info.st_size) != expected)
    return fail(Code::kConfig, fmt::format("{}: has {} bytes where its header asks for {}",
                                           path.string(), info.st_size, expected));
  file.header = std::move(*header);
  return file;
}

Status read_at(const Fd& fd, char* to, size_t bytes, size_t offset, const fs::path& path) {
  while (bytes > 0) {
    const ssize_t got = ::pread(fd.get(), to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + path.string());
    if (got == 0) return fail(Code::kIo, path.string() + ": became shorter while it was read");
    to += got, offset += static_cast<size_t>(got), bytes -= static_cast<size_t>(got);
  }
  return {};
}

Status check_dtype(const NpyHeader& header, DType wanted, const fs::path& path) {
  if (header.dtype == wanted) return {};
  return fail(Code::kConfig, fmt::format("{}: holds {} where {} is wanted", path.string(),
                                         descr_of(header.dtype), descr_of(wanted)));
}

size_t product(std::span<const size_t> shape) {
  size_t elements = 1;
  for (const size_t extent : shape) elements *= extent;
  return elements;
}

}  // namespace

size_t size_of(DType dtype) {
  return type_name(dtype).size;
}
std::string_view descr_of(DType dtype) {
  return type_name(dtype).descr;
}
template <>
DType dtype_of<float>() {
  return DType::kFloat32;
}
template <>
DType dtype_of<double>() {
  return DType::kFloat64;
}
template <>
DType dtype_of<int32_t>() {
  return DType::kInt32;
}
template <>
DType dtype_of<int64_t>() {
  return DType::kInt64;
}
template <>
DType dtype_of<uint16_t>() {
  return DType::kUint16;
}

size_t NpyHeader::elements() const {
  return product(shape);
}

Result<NpyHeader> parse_npy_header(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(bytes[i])); };
  if (bytes.substr(0, kMagic.size()) != kMagic) return fail(Code::kConfig, "not an npy file");
  if (bytes.size() < kPreamble2) return fail(Code::kConfig, "npy header: cut off");
  const size_t major = byte(6), minor = byte(7);
  if ((major != 1 && major != 2) || minor != 0)
    return fail(Code::kConfig,
                fmt::format("npy version {}.{} is neither 1.0 nor 2.0", major, minor));
  const size_t preamble = major == 1 ? kPreamble1 : kPreamble2;
  size_t length = byte(8) | byte(9) << 8;
  if (major == 2) length |= byte(10) << 16 | byte(11) << 24;
  if (length > kMaxNpyHeader - preamble)
    return fail(Code::kConfig, fmt::format("npy header: {} bytes are too long", length));
  if (bytes.size() - preamble < length) return fail(Code::kConfig, "npy header: cut off");
  std::string_view text = bytes.substr(preamble, length);
  if (text.empty() || text.back() != '\n')
    return fail(Code::kConfig, "npy header: does not end with a newline");
  text.remove_suffix(1);
  MNP_TRY(NpyHeader header, Dictionary(text).parse());
  MNP_CHECK(check_size(header));
  header.data_offset = preamble + length;
  return header;
}

std::string encode_npy_header(DType dtype, std::span<const size_t> shape) {
  MNP_ASSERT(shape.size() <= kMaxNpyRank, "too many dimensions");
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr_of(dtype),
                  fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  const size_t used = kPreamble1 + text.size() + 1;
  text.append((kAlignment - used % kAlignment) % kAlignment, ' ');
  text += '\n';
  std::string bytes(kMagic);
  bytes += {'\1', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return bytes + text;
}

Result<NpyHeader> read_npy_header(const fs::path& path) {
  MNP_TRY(OpenFile file, open_npy(path));
  return std::move(file.header);
}

template <class T>
Result<NpyArray<T>> read_npy(const fs::path& path) {
  MNP_TRY(OpenFile file, open_npy(path));
  MNP_CHECK(check_dtype(file.header, dtype_of<T>(), path));
  NpyArray<T> array{file.header.shape, std::vector<T>(file.header.elements())};
  MNP_CHECK(read_at(file.fd, reinterpret_cast<char*>(array.values.data()), file.header.data_bytes(),
                    file.header.data_offset, path));
  return array;
}

template <class T>
Result<NpyArray<T>> read_npy_part(const fs::path& path, size_t first, size_t count) {
  MNP_TRY(OpenFile file, open_npy(path));
  MNP_CHECK(check_dtype(file.header, dtype_of<T>(), path));
  std::vector<size_t> shape = file.header.shape;
  if (shape.empty() || first > shape[0] || count > shape[0] - first)
    return fail(Code::kConfig,
                fmt::format("{}: has no elements {} to {}", path.string(), first, first + count));
  const size_t stride = product(std::span<const size_t>(shape).subspan(1));
  shape[0] = count;
  NpyArray<T> array{std::move(shape), std::vector<T>(count * stride)};
  MNP_CHECK(read_at(file.fd, reinterpret_cast<char*>(array.values.data()),
                    array.values.size() * sizeof(T),
                    file.header.data_offset + first * stride * sizeof(T), path));
  return array;
}

template <class T>
Status write_npy(const fs::path& path, std::span<const size_t> shape, std::span<const T> values) {
  MNP_ASSERT(values.size() == product(shape), "values do not fill the shape");
  if (path.has_parent_path()) MNP_CHECK(make_folders(path.parent_path()));
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return fail_errno("create " + path.string());
  const std::string header = encode_npy_header(dtype_of<T>(), shape);
  const std::string_view data(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  for (const std::string_view bytes : {std::string_view(header), data})
    if (auto done = write_all(fd.get(), bytes, Clock::now() + kWriteDeadline); !done)
      return fail(done.error().within("write " + path.string()));
  return {};
}

// NOLINTBEGIN(bugprone-macro-parentheses): T is a type
#define MNP_NPY_TYPE(T)                                                           \
  template Result<NpyArray<T>> read_npy<T>(const fs::path&);                      \
  template Result<NpyArray<T>> read_npy_part<T>(const fs::path&, size_t, size_t); \
  template Status write_npy<T>(const fs::path&, std::span<const size_t>, std::span<const T>)
MNP_NPY_TYPE(float);
MNP_NPY_TYPE(double);
MNP_NPY_TYPE(int32_t);
MNP_NPY_TYPE(int64_t);
MNP_NPY_TYPE(uint16_t);
#undef MNP_NPY_TYPE
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace mnp::model
