/*
 * cmocka_compat.h - names that differ between cmocka 1 and 2.
 */
#ifndef AVOUCH_TESTS_SUPPORT_CMOCKA_COMPAT_H
#define AVOUCH_TESTS_SUPPORT_CMOCKA_COMPAT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifndef assert_int_in_range
#define assert_int_in_range assert_in_range
#endif

#endif
