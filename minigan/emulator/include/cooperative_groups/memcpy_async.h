// cooperative_groups::memcpy_async for the emulator: each call is a batch of its own.
#pragma once

#include "../cooperative_groups.h"
#include "../cuda/aligned_size.h"

namespace cooperative_groups {
template <class Group, class T, class Size>
void memcpy_async(const Group& group, T* to, const typename minigan::Plain<T>::type* from, const Size& bytes, MINIGAN_PLACE) {
    minigan::copy_together(group, to, from, size_t(bytes), cuda::alignment_of(bytes), nullptr, place);
    minigan::commit_copies();
}
// As many elements as both layouts have.
template <class Group, class T, class To, class From>
void memcpy_async(const Group& group, T* to, const To& elements_to, const T* from, const From& elements_from, MINIGAN_PLACE) {
    const size_t most = elements_to, given = elements_from;
    minigan::copy_together(group, to, from, (given < most ? given : most) * sizeof(T), cuda::alignment_of(elements_from), nullptr,
                           place);
    minigan::commit_copies();
}
// Wait until all batches of the group but the last few are there.
template <unsigned int BUT, class Group> void wait_prior(const Group& group, MINIGAN_PLACE) {
    minigan::wait_for_copies(BUT);
    group.sync(place);
}
template <class Group> void wait(const Group& group, MINIGAN_PLACE) { wait_prior<0>(group, place); }
}  // namespace cooperative_groups
