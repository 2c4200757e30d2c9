/*
 * seccomp_arch.h - what a filter of system calls must know of the processor:
 * the numbers of its calls are told apart from those of its 32-bit modes by
 * this. Only those whose words have their low half first.
 */
#ifndef AVOUCH_MILTER_SECCOMP_ARCH_H
#define AVOUCH_MILTER_SECCOMP_ARCH_H

#include <linux/audit.h>
#include <sys/syscall.h>

#if defined(__x86_64__) && defined(__LP64__)
#define PROCESSOR AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define PROCESSOR AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define PROCESSOR AUDIT_ARCH_RISCV64
#else
#define PROCESSOR 0 /* there is no filter */
#endif

/* Some 32-bit processors have mmap2(2) instead. */
#if PROCESSOR == 0
#define PROCESSOR_MMAP 0
#else
#define PROCESSOR_MMAP __NR_mmap
#endif

#endif
