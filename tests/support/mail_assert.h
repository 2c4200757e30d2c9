/*
 * mail_assert.h - checks a delivered message, based on what the milter
 * requested from the fake MTA (fake_libmilter.h).
 */
#ifndef AVOUCH_TESTS_SUPPORT_MAIL_ASSERT_H
#define AVOUCH_TESTS_SUPPORT_MAIL_ASSERT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"
#include "tests/support/fake_libmilter.h"

/*
 * Checks that one valid Authentication-Results field of `id` was added on top,
 * after all other changes; that received fields with that `id` were removed;
 * and that no result is a pass for `locked`, a domain for which no one may send
 * mail.
 */
void delivered_check(const SMFICTX *m, struct span id, const char *locked);

/*
 * Checks that the added signatures are plain text and belong to domains with
 * keys.  Unless `by_list`, there must be a single author, whose domain is the
 * signing domain or below it.  Returns the number of signatures.
 */
size_t signed_check(const SMFICTX *m, bool by_list);

/* For the sign socket: checks that only signatures were added, and that fields
 * received with `id` were removed. */
void signed_only_check(const SMFICTX *m, struct span id);

/* Checks that every field of that name in the received message was removed. */
void delivered_without(const SMFICTX *m, const char *name);

#endif
