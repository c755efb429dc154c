// cuda_bf16.h for the emulator: __nv_bfloat16 and __nv_bfloat162. Most of it half has too: small_floats.h.
#pragma once

#include "cuda_fp16.h"  // as CUDA's own does
#include "small_floats.h"

typedef minigan::Small<minigan::BFloat16> __nv_bfloat16, nv_bfloat16;
typedef minigan::Pair<minigan::BFloat16> __nv_bfloat162, nv_bfloat162;
typedef minigan::Raw<minigan::BFloat16> __nv_bfloat16_raw;
typedef minigan::RawPair<minigan::BFloat16> __nv_bfloat162_raw;
MINIGAN_NAME(__nv_bfloat16) MINIGAN_NAME(__nv_bfloat162)
MINIGAN_CONVERSIONS(bfloat16, __nv_bfloat16, __nv_bfloat162)
