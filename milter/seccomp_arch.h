/*
 * seccomp_arch.h - the processor architecture that the seccomp filter checks,
 * because 32-bit modes have different system call numbers.  Supports only
 * little-endian processors, because the filter reads the low half of an
 * argument.
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
#define PROCESSOR 0 /* unsupported: no filter is installed */
#endif

/* Some 32-bit processors have mmap2(2) instead of mmap(2). */
#if PROCESSOR == 0
#define PROCESSOR_MMAP 0
#else
#define PROCESSOR_MMAP __NR_mmap
#endif

#endif
