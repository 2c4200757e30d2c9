/*
 * dns_task.h - runs one core until it has its result: the core asks questions,
 * the job sends them, and runs the core again when the answers are there.
 *
 * A job has its own questions, scratch arena and lock.  Its core runs in the
 * thread that starts the job, and then in the thread that brings the last
 * answer it waits for.  One thread waits once for the result, with a deadline.
 */
#ifndef AVOUCH_VERIFY_DNS_TASK_H
#define AVOUCH_VERIFY_DNS_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/source.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/core_status.h"

struct dns_task;

/*
 * The core: called under the job's lock, with `scratch` rewound.  What it
 * leaves in `scratch` on CORE_DONE stays until the job is dropped.
 */
typedef enum core_status dns_task_core(
    void *facts, struct dns_questions *questions, struct arena *scratch);

struct dns_task_counts {
	unsigned runs;  /* of the core */
	unsigned waves; /* times questions went out */
	unsigned questions;
	bool gave_up; /* what dns_task_wait() returns false for, now or when its
	                 answers were recorded */
};

/*
 * Runs `step` and sends what it asks.  `facts` and `source` must stay until
 * dns_task_free() has returned.
 * `max_questions` bounds its questions, `memory` its scratch.  NULL: no memory.
 */
struct dns_task *dns_task_start(struct dns_source *source, dns_task_core *step,
    void *facts, size_t max_questions, size_t memory);

/*
 * Waits until the core is done.  At `deadline` (clock_ms()) what is
 * pending becomes DNS_ERROR_BUDGET and the core runs to its end with that.
 * Afterwards the core has run to CORE_DONE and is never run again.  False: a
 * lack of resources of ours may have changed its result: the deadline, the
 * budget of questions, the scratch, or an answer that failed for such a reason.
 */
bool dns_task_wait(struct dns_task *j, int64_t deadline);

/* Whether the core is done, or is by `until` (clock_ms()); nothing is
 * given up. */
bool dns_task_done_by(struct dns_task *j, int64_t until);

/* After dns_task_wait(): the questions with all answers (DNS_ERROR_BUDGET for a
 * prefetched one that was not waited for), the scratch with the results. */
struct dns_questions *dns_task_questions(struct dns_task *j);
struct arena *dns_task_scratch(struct dns_task *j);
struct dns_task_counts dns_task_count(struct dns_task *j);

/*
 * Cancels the job if it runs, and releases it: after this the core never runs
 * again.  Answers that come later are ignored; the last one frees the job.
 * Takes NULL.
 */
void dns_task_free(struct dns_task *j);

#endif
