#include "comms/array_shape.hpp"

#include <gtest/gtest.h>

namespace mnp::comms {
namespace {

const ArrayShape kOne{model::DType::kFloat32, {3, 4}, NodeIndex(2), "/p/a.npy"};

TEST(ArrayShape, ComesBackAsTheSame) {
  Encoder out;
  encode(out, kOne);
  const std::string bytes = out.take();
  Decoder in(bytes);
  const ArrayShape again = decode_array_shape(in);
  EXPECT_TRUE(in.finish("shape"));
  EXPECT_TRUE(check_same(kOne, again));
  EXPECT_EQ(again.node, kOne.node);
  EXPECT_EQ(again.file, kOne.file);
}

TEST(ArrayShape, CountsElements) {
  EXPECT_EQ(kOne.elements(), 12U);
  EXPECT_EQ((ArrayShape{model::DType::kInt32, {}, {}, ""}).elements(), 1U);
  EXPECT_EQ((ArrayShape{model::DType::kInt32, {5, 0}, {}, ""}).elements(), 0U);
}

TEST(ArrayShape, ADifferenceNamesBothFilesAndWhatTheyHold) {
  const auto same = check_same(kOne, {model::DType::kFloat64, {12}, NodeIndex(5), "/p/b.npy"});
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, Code::kConfig);
  EXPECT_EQ(same.error().text,
            "arrays that are to be reduced differ: /p/a.npy on node 2 holds <f4 of shape (3, 4), "
            "but /p/b.npy on node 5 holds <f8 of shape (12,)");
}

}  // namespace
}  // namespace mnp::comms
