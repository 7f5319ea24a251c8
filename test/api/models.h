// SPDX-License-Identifier: Apache-2.0
// Small models for tests of the interface, and short ways to run them.
#ifndef TEST_API_MODELS_H_
#define TEST_API_MODELS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/core/model_builder.h"
#include "mace/public/mace.h"

namespace mace {
namespace test {

// output = relu(input + 1), any number of rows of `columns` floats.
ModelFiles AddOneModel(int64_t columns = 4);
// A convolution with bias and activation, pooling, reshape, a fully connected layer and softmax:
// [1, 8, 8, 3] -> [1, 5].
ModelFiles SmallNet();
// Two inputs [2, 3] a and b; outputs sum, difference, and "a" itself and a constant.
ModelFiles ManyOutputsModel();

std::vector<float> Numbers(size_t count, float first = 0, float step = 1);
// Multiples of scale / 1000 in [-scale, scale].
std::vector<float> RandomNumbers(int64_t count, uint32_t seed, float scale = 1);
MaceTensor FloatTensor(const std::vector<int64_t> &shape, const std::vector<float> &values);
MaceTensor EmptyTensor(const std::vector<int64_t> &shape, IDataType type = IDataType::kFloat);
std::vector<float> Values(const MaceTensor &tensor);

// An engine on the content of the files; a null pointer and a failed test if there is none.
std::unique_ptr<MaceEngine> MakeEngine(const ModelFiles &files,
                                       const MaceEngineConfig &config = MaceEngineConfig());
MaceStatus InitEngine(const ModelFiles &files, MaceEngine *engine,
                      const std::vector<std::string> &inputs = {},
                      const std::vector<std::string> &outputs = {});

// Passes when the status has the code and its message contains the text.
testing::AssertionResult Fails(const MaceStatus &status, MaceStatus::Code code,
                               const std::string &text);

}  // namespace test
}  // namespace mace

#define ASSERT_MACE_OK(expression)                              \
  do {                                                          \
    const ::mace::MaceStatus mace_status = (expression);        \
    ASSERT_TRUE(mace_status.ok()) << mace_status.information(); \
  } while (false)

#endif  // TEST_API_MODELS_H_
