#include "mnp/model/npy.hpp"

#include <cstring>

#include <gtest/gtest.h>

namespace mnp::model {
namespace {

/// A version 1.0 file start with this dictionary, padded as NumPy does.
std::string file_start(std::string dictionary, char major = 1) {
  dictionary.resize((dictionary.size() + 12 + 63) / 64 * 64 - 13, ' ');
  dictionary += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += {major, '\0', static_cast<char>(dictionary.size()),
            static_cast<char>(dictionary.size() >> 8)};
  if (major == 2) bytes += {'\0', '\0'};
  return bytes + dictionary;
}

std::string error_of(const std::string& bytes) {
  const auto header = parse_npy_header(bytes);
  return header ? "" : header.error().text;
}

class NpyFile : public testing::Test {
 protected:
  NpyFile() : folder_(std::move(*TemporaryFolder::create("npy-"))) {}
  fs::path path(const std::string& name) const { return folder_.path() / name; }
  TemporaryFolder folder_;
};

// Bytes that numpy 1.24 wrote for numpy.zeros((181,), '<f4').
TEST(NpyHeader, EncodesWhatNumPyWrites) {
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (181,), }";
  expected.resize(127, ' ');
  const std::vector<size_t> shape = {181};
  const std::string ours = encode_npy_header(DType::kFloat32, shape);
  EXPECT_EQ(ours.size() % 64, 0u);
  const auto parsed = parse_npy_header(expected + "\n");
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(parsed->shape, shape);
  EXPECT_EQ(parsed->data_offset, 128u);
  EXPECT_EQ(ours.substr(10, 59), expected.substr(10, 59));
}

TEST(NpyHeader, ParsesItsOwnForEveryTypeAndRank) {
  for (const DType dtype :
       {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kInt64, DType::kUint16})
    for (const std::vector<size_t>& shape : std::vector<std::vector<size_t>>{
             {}, {0}, {7}, {2, 3}, {181, 2, 640}, std::vector<size_t>(kMaxNpyRank, 1)}) {
      const std::string bytes = encode_npy_header(dtype, shape);
      const auto header = parse_npy_header(bytes);
      ASSERT_TRUE(header) << header.error().text;
      EXPECT_EQ(header->dtype, dtype);
      EXPECT_EQ(header->shape, shape);
      EXPECT_EQ(header->data_offset, bytes.size());
    }
}

TEST(NpyHeader, AcceptsVersion2AndAnyOrderOfKeys) {
  const auto header = parse_npy_header(
      file_start("{\"shape\": (2, 3), 'fortran_order': False, 'descr': '<u2'}", 2));
  ASSERT_TRUE(header) << header.error().text;
  EXPECT_EQ(header->dtype, DType::kUint16);
  EXPECT_EQ(header->data_bytes(), 12u);
}

TEST(NpyHeader, RefusesWithTheReason) {
  const auto with = [](const std::string& descr, const std::string& order,
                       const std::string& shape) {
    return error_of(file_start("{'descr': " + descr + ", 'fortran_order': " + order +
                               ", 'shape': " + shape + ", }"));
  };
  EXPECT_EQ(with("'<f4'", "False", "(1, 2)"), "");
  EXPECT_EQ(with("'>f4'", "False", "(1, 2)"), "npy header: big endian data are not supported");
  EXPECT_EQ(with("'<c8'", "False", "(1,)"), "npy header: dtype <c8 is none of <f4 <f8 <i4 <i8 <u2");
  EXPECT_EQ(with("[('x', '<f4')]", "False", "(1,)"), "npy header: records are not supported");
  EXPECT_EQ(with("'<f4'", "True", "(1, 2)"), "npy header: Fortran order is not supported");
  for (const char* shape : {"(3)", "(1 2)", "(-1,)", "(,)", "3", "(99999999999999999999,)", "(2"})
    EXPECT_NE(with("'<f4'", "False", shape), "") << shape;
  EXPECT_EQ(with("'<f8'", "False", "(4294967296, 4294967296)"),
            "npy header: the array is larger than 1 TiB");
  EXPECT_EQ(with("'<f8'", "False", "(0, 9223372036854775807)"),
            "npy header: the array is larger than 1 TiB");
  EXPECT_EQ(with("'<f4'", "False", "(1,), 'shape': (2,)"),
            "npy header: 'shape' stands there twice");
  EXPECT_EQ(with("'<f4'", "False", "(1,), 'more': 1"), "npy header: an unknown key");
  EXPECT_EQ(with("'<f4'", "False", "(1,)} {"), "npy header: something follows the dictionary");
  EXPECT_EQ(error_of(file_start("{'descr': '<f4', 'fortran_order': False}")),
            "npy header: 'shape' is missing");
  EXPECT_EQ(error_of(file_start("{}", 3)), "npy version 3.0 is neither 1.0 nor 2.0");
  EXPECT_EQ(error_of("PK\3\4"), "not an npy file");
  std::string shape = "(";
  for (size_t i = 0; i <= kMaxNpyRank; ++i) shape += "1, ";
  EXPECT_EQ(with("'<f4'", "False", shape + ")"), "npy header: too many dimensions");
}

TEST(NpyHeader, EveryTruncationIsRefusedAndNoFlippedByteIsFatal) {
  const std::vector<size_t> shape = {181, 2, 640};
  const std::string good = encode_npy_header(DType::kFloat32, shape);
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_NE(error_of(good.substr(0, size)), "") << size;
  for (size_t at = 0; at < good.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      std::string bad = good;
      bad[at] = static_cast<char>(value);
      const auto header = parse_npy_header(bad);
      EXPECT_LE(header ? header->data_bytes() : 0, kMaxNpyData);
    }
}

TEST_F(NpyFile, RoundTripAndPart) {
  const NpyArray<double> array{{3, 2}, {0, 1, 2, 3, 4, 5.5}};
  ASSERT_TRUE(write_npy(path("new/a.npy"), array));
  const auto back = read_npy<double>(path("new/a.npy"));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->shape, array.shape);
  EXPECT_EQ(back->values, array.values);
  const auto part = read_npy_part<double>(path("new/a.npy"), 1, 2);
  ASSERT_TRUE(part) << part.error().text;
  EXPECT_EQ(part->shape, (std::vector<size_t>{2, 2}));
  EXPECT_EQ(part->values, (std::vector<double>{2, 3, 4, 5.5}));
  EXPECT_FALSE(read_npy_part<double>(path("new/a.npy"), 2, 2));
  EXPECT_FALSE(read_npy_part<double>(path("new/a.npy"), 1, SIZE_MAX));
}

TEST_F(NpyFile, AnotherTypeIsRefusedNotConverted) {
  ASSERT_TRUE(write_npy(path("a.npy"), NpyArray<int32_t>{{2}, {1, 2}}));
  const auto read = read_npy<float>(path("a.npy"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kConfig);
  EXPECT_EQ(read.error().text, path("a.npy").string() + ": holds <i4 where <f4 is wanted");
}

TEST_F(NpyFile, LengthMustFit) {
  const std::vector<size_t> shape = {4};
  const std::string header = encode_npy_header(DType::kUint16, shape);
  ASSERT_TRUE(replace_file(path("long.npy"), header + std::string(9, 'x')));
  ASSERT_TRUE(replace_file(path("short.npy"), header + std::string(7, 'x')));
  EXPECT_FALSE(read_npy_header(path("long.npy")));
  EXPECT_FALSE(read_npy<uint16_t>(path("short.npy")));
  EXPECT_EQ(read_npy<uint16_t>(path("none.npy")).error().code, Code::kNotFound);
  EXPECT_EQ(read_npy<uint16_t>(folder_.path()).error().code, Code::kConfig);
}

TEST_F(NpyFile, OverwritesALongerFile) {
  ASSERT_TRUE(write_npy(path("a.npy"), NpyArray<int64_t>{{100}, std::vector<int64_t>(100)}));
  ASSERT_TRUE(write_npy(path("a.npy"), NpyArray<int64_t>{{}, {-7}}));
  const auto back = read_npy<int64_t>(path("a.npy"));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_TRUE(back->shape.empty());
  EXPECT_EQ(back->values, std::vector<int64_t>{-7});
}

}  // namespace
}  // namespace mnp::model
