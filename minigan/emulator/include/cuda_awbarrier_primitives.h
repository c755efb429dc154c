// Barrier objects of shared memory, by the names of CUDA's primitives.
#pragma once

#include "async.h"

typedef minigan::Barrier __mbarrier_t;
typedef uint32_t __mbarrier_token_t;

inline uint32_t __mbarrier_maximum_count() { return (1 << 16) - 1; }
inline void __mbarrier_init(__mbarrier_t* barrier, uint32_t expected, MINIGAN_PLACE) { minigan::begin_barrier(barrier, expected, place); }
inline void __mbarrier_inval(__mbarrier_t*) {}
inline __mbarrier_token_t __mbarrier_arrive(__mbarrier_t* barrier, MINIGAN_PLACE) {
    return minigan::arrive_at(barrier, 1, false, place);
}
inline __mbarrier_token_t __mbarrier_arrive_and_drop(__mbarrier_t* barrier, MINIGAN_PLACE) {
    return minigan::arrive_at(barrier, 1, true, place);
}
inline bool __mbarrier_test_wait(__mbarrier_t* barrier, __mbarrier_token_t token, MINIGAN_PLACE) {
    return minigan::try_wait_at(barrier, token, place);
}
