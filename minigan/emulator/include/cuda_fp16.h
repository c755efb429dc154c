// cuda_fp16.h for the emulator: __half and __half2. Most of it bfloat16 has too: small_floats.h.
#pragma once

#include "small_floats.h"

typedef minigan::Small<minigan::Half> __half, __nv_half, half;
typedef minigan::Pair<minigan::Half> __half2, __nv_half2, half2;
typedef minigan::Raw<minigan::Half> __half_raw;
typedef minigan::RawPair<minigan::Half> __half2_raw;
MINIGAN_NAME(__half) MINIGAN_NAME(__half2)
MINIGAN_CONVERSIONS(half, __half, __half2)
