// SPDX-License-Identifier: Apache-2.0
// Matrix products on the GPU: a constant second matrix as a 1x1 convolution, others by tiles.
#include "mace/ops/attrs/matmul.h"

#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

namespace {

struct Product {
  ops::MatMulAttrs attrs;
  bool constant = false;    // b is a constant matrix
  bool in_buffers = false;  // whatever was wanted
  Convolution conv;         // if constant
  int64_t m = 1, n = 1, k = 1, batch = 1;
  int64_t batch_a = 0, batch_b = 0;  // 0: one matrix for all
};

MaceStatus DescribeBatches(const GpuOpContext &context, Product *product) {
  const Shape &a = context.Input(0).shape, &b = context.Input(1).shape;
  const Shape &out = context.Output(0).shape;
  product->batch = out.elements(0, out.rank() - 2);
  const int64_t count_a = a.elements(0, a.rank() - 2), count_b = b.elements(0, b.rank() - 2);
  if ((count_a != 1 && count_a != product->batch) || (count_b != 1 && count_b != product->batch)) {
    return Refuse(context, "the shapes ", a.ToString(), " and ", b.ToString(),
                  " are broadcast against each other; on the GPU one operand may be repeated");
  }
  product->batch_a = count_a == 1 ? 0 : product->m * product->k;
  product->batch_b = count_b == 1 ? 0 : product->k * product->n;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Describe(const GpuOpContext &context, Product *product) {
  ops::MatMulAttrs &attrs = product->attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &a = context.Input(0).shape, &b = context.Input(1).shape;
  if (a.rank() < 2 || b.rank() < 2) {
    return Refuse(context, "an operand is a vector; the GPU takes matrices");
  }
  product->m = a.dim(attrs.transpose_a ? -1 : -2);
  product->k = a.dim(attrs.transpose_a ? -2 : -1);
  product->n = b.dim(attrs.transpose_b ? -2 : -1);
  product->constant = context.Input(1).constant != nullptr && b.rank() == 2 && !attrs.transpose_a;
  if (!product->constant) {
    product->in_buffers = true;
    return DescribeBatches(context, product);
  }
  Convolution &conv = product->conv;
  const View view(a);
  conv.ih = conv.oh = view.rows();
  conv.iw = conv.ow = view.w;
  if (!context.images()) {
    conv.ih = conv.oh = 1;
    conv.iw = conv.ow = view.pixels();
  }
  conv.ic = product->k;
  conv.oc = product->n;
  conv.filter = context.Constant(1);
  conv.stride_o = attrs.transpose_b ? product->k : 1;
  conv.stride_k = attrs.transpose_b ? 1 : product->n;
  product->in_buffers = !SupportsConvolution(context, conv).ok();
  if (product->in_buffers) {
    conv.ih = conv.oh = 1;
    conv.iw = conv.ow = view.pixels();
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace

MaceStatus SupportsMatMul(const GpuOpContext &context) {
  Product product;
  return Describe(context, &product);
}

MaceStatus BuildMatMul(const GpuOpContext &wanted, GpuStep *step) {
  Product p;
  MACE_RETURN_IF_ERROR(Describe(wanted, &p));
  const GpuOpContext context = p.in_buffers ? InBuffers(wanted, step) : wanted;
  if (p.constant) return BuildConvolution(context, p.conv, step);
  KernelLaunch launch = context.NewLaunch("matmul", "matmul");
  const bool ta = p.attrs.transpose_a, tb = p.attrs.transpose_b;
  launch.arguments = {KernelArgument::Input(0), KernelArgument::Input(1), KernelArgument::Output(0),
                      KernelArgument::IntVector(
                          {Int(p.m), Int(p.n), Int(p.k), Int(ta ? 1 : p.k), Int(ta ? p.m : 1),
                           Int(tb ? 1 : p.n), Int(tb ? p.k : 1), Int(p.batch_a), Int(p.batch_b)})};
  launch.global = {CeilDiv(p.n, 32) * 8, CeilDiv(p.m, 32) * 8, p.batch};
  launch.local = {8, 8, 1};
  launch.fixed_local = true;
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

std::vector<std::string> VariantsOfMatMul(const GpuOpContext &context) {
  Product p;
  if (!Describe(context, &p).ok() || !p.constant) return {};
  return ConvolutionVariants(p.in_buffers ? InBuffers(context, nullptr) : context, p.conv);
}

}  // namespace opencl
}  // namespace mace
