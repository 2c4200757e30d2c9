/* Tests of dns/answer.h and dns/questions.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/questions.h"
#include "tests/support/core_driver.h"

static const struct dns_answer *
answer_of_text(const char *text)
{
	struct dns_record record = { .text = span_str(text), .strings = 1 };
	struct dns_answer answer = { .state = DNS_FOUND,
		.ttl = 60,
		.alias = SPAN("alias.example"),
		.n_records = 1,
		.records = &record };

	return dns_answer_new(&answer);
}

static void
answer_is_a_copy(void **state)
{
	char text[] = "v=spf1 -all";
	const struct dns_answer *a = answer_of_text(text);

	(void)state;
	text[0] = 'x';
	assert_true(span_is(a->records[0].text, "v=spf1 -all"));
	assert_true(span_is(a->alias, "alias.example"));
	assert_int_equal(a->ttl, 60);
	assert_true(dns_answer_memory(a) > sizeof(*a) + sizeof(text));
	assert_ptr_equal(dns_answer_ref(a), a);
	dns_answer_unref(a);
	assert_int_equal(a->n_records, 1);
	dns_answer_unref(a);
	dns_answer_unref(NULL);
}

static void
too_many_records_make_no_answer(void **state)
{
	static const struct dns_record records[DNS_RECORDS_MAX + 1];
	struct dns_answer a = { .state = DNS_FOUND,
		.n_records = DNS_RECORDS_MAX,
		.records = records };
	const struct dns_answer *made = dns_answer_new(&a);

	(void)state;
	assert_non_null(made);
	dns_answer_unref(made);
	a.n_records++;
	assert_null(dns_answer_new(&a));
}

static void
constants_are_not_counted(void **state)
{
	(void)state;
	for (int f = DNS_ERROR_NONE; f <= DNS_ERROR_RESOURCE; f++) {
		const struct dns_answer *a =
		    dns_answer_failed((enum dns_error)f);
		enum dns_error back;

		assert_int_equal(a->state, DNS_FAILED);
		assert_int_equal(a->fault, f);
		dns_answer_unref(a);
		dns_answer_unref(a);
		assert_int_equal(dns_answer_memory(a), 0);
		assert_true(dns_error_from_name(
		    span_str(dns_error_name((enum dns_error)f)), &back));
		assert_int_equal(back, f);
		assert_int_equal(dns_error_is_ours(back),
		    f == DNS_ERROR_UNREACHABLE || f == DNS_ERROR_BUDGET ||
			f == DNS_ERROR_RESOURCE);
	}
	assert_int_equal(dns_answer_badname()->state, DNS_BADNAME);
	assert_int_equal(dns_answer_pending()->state, DNS_PENDING);
}

static int dropped;

static void
drop_parsed(void *parsed)
{
	(void)parsed;
	dropped++;
}

static void
parsed_form_lives_as_long_as_its_answer(void **state)
{
	const struct dns_answer *a = answer_of_text("k=rsa");
	int first, second;

	(void)state;
	dropped = 0;
	assert_null(dns_answer_parsed(a));
	assert_ptr_equal(dns_answer_set_parsed(a, &first, drop_parsed), &first);
	assert_ptr_equal(dns_answer_parsed(a), &first);
	assert_ptr_equal(
	    dns_answer_set_parsed(a, &second, drop_parsed), &first);
	assert_int_equal(dropped, 1);
	dns_answer_unref(a);
	assert_int_equal(dropped, 2);
	assert_null(
	    dns_answer_set_parsed(dns_answer_badname(), &first, drop_parsed));
	assert_null(dns_answer_parsed(dns_answer_badname()));
	assert_int_equal(dropped, 2);
}

static void
names_of_types_and_states(void **state)
{
	enum dns_type type;

	(void)state;
	assert_string_equal(dns_type_name(DNS_AAAA), "AAAA");
	assert_true(dns_type_from_name(SPAN("txt"), &type));
	assert_int_equal(type, DNS_TXT);
	assert_false(dns_type_from_name(SPAN("SRV"), &type));
	assert_string_equal(dns_state_name(DNS_NXDOMAIN), "nxdomain");
	assert_string_equal(dns_error_name(DNS_ERROR_SERVFAIL), "servfail");
}

static void
a_question_is_noted_once_in_normal_form(void **state)
{
	struct dns_questions *t = dns_questions_new(10);
	struct dns_question *q;

	(void)state;
	assert_null(dns_questions_first(t));
	assert_null(dns_questions_next_unsent(t));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    dns_ask(t, SPAN("Example.ORG."), DNS_TXT)->state,
		    DNS_PENDING);
		assert_int_equal(dns_ask(t, SPAN("example.org"), DNS_MX)->state,
		    DNS_PENDING);
		assert_int_equal(dns_ask(t,
				     SPAN("b\xc3\xbc"
					  "cher.example"),
				     DNS_TXT)
				     ->state,
		    DNS_PENDING);
	}
	assert_int_equal(dns_questions_count(t), 3);
	assert_int_equal(dns_questions_pending(t), 3);
	q = dns_questions_first(t);
	assert_true(span_is(q->name, "example.org"));
	assert_int_equal(q->type, DNS_TXT);
	q = q->next->next;
	assert_true(span_is(q->name, "xn--bcher-kva.example"));
	assert_null(q->next);
	dns_questions_free(t);
	dns_questions_free(NULL);
}

static void
answers_are_stored_until_the_end(void **state)
{
	struct dns_questions *t = dns_questions_new(10);
	const struct dns_answer *one = answer_of_text("one");
	const struct dns_answer *two = answer_of_text("two");
	struct dns_question *q;

	(void)state;
	dns_questions_set_driver(t, &one);
	assert_ptr_equal(dns_questions_driver(t), &one);
	dns_ask(t, SPAN("a.example"), DNS_TXT);
	dns_ask(t, SPAN("b.example"), DNS_TXT);
	q = dns_questions_next_unsent(t);
	assert_true(span_is(q->name, "a.example"));
	q->sent = true;
	assert_true(span_is(dns_questions_next_unsent(t)->name, "b.example"));
	dns_questions_set_answer(q, one);
	dns_questions_set_answer(q, two); /* a second answer is ignored */
	dns_answer_unref(one);
	dns_answer_unref(two);
	assert_int_equal(dns_questions_pending(t), 1);
	assert_true(span_is(
	    dns_ask(t, SPAN("A.example"), DNS_TXT)->records[0].text, "one"));
	dns_questions_free(t);
}

static void
an_invalid_name_is_not_asked(void **state)
{
	static const char *const bad[] = { "", ".", "a..b", ".a",
		("0123456789012345678901234567890123456789"
		 "012345678901234567890123.example") };
	struct dns_questions *t = dns_questions_new(10);
	char text[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
		    dns_ask(t, span_str(bad[i]), DNS_A)->state, DNS_BADNAME);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 3 == 2 ? '.' : 'a';
	for (size_t n = 254; n <= sizeof(text); n++)
		if (n % 3 != 0 || n > 254)
			assert_int_equal(
			    dns_ask(t, span_of(text, n), DNS_A)->state,
			    DNS_BADNAME);
	assert_int_equal(
	    dns_ask(t, span_of(text, 253), DNS_A)->state, DNS_PENDING);
	assert_int_equal(dns_ask(t, SPAN_NONE, DNS_A)->state, DNS_BADNAME);
	assert_int_equal(dns_questions_count(t), 1);
	dns_questions_free(t);
}

static enum dns_state
ask_number(struct dns_questions *t, int i, bool ahead)
{
	char name[32];

	snprintf(name, sizeof(name), "n%d.example", i);
	return ahead ? dns_prefetch(t, span_str(name), DNS_A)->state
		     : dns_ask(t, span_str(name), DNS_A)->state;
}

static void
the_budget_is_the_same_whatever_is_asked_ahead(void **state)
{
	(void)state;
	for (int ahead = 0; ahead <= 20; ahead++) {
		struct dns_questions *t = dns_questions_new(8);

		for (int i = 0; i < ahead; i++)
			assert_int_equal(
			    ask_number(t, 100 + i, true), DNS_PENDING);
		assert_true(dns_questions_count(t) <= 4);
		for (int run = 0; run < 2; run++) {
			for (int i = 0; i < 8; i++)
				assert_int_equal(
				    ask_number(t, i, false), DNS_PENDING);
			assert_int_equal(ask_number(t, 8, false), DNS_FAILED);
			assert_int_equal(ask_number(t, 100, false), DNS_FAILED);
		}
		assert_int_equal(dns_ask(t, SPAN("n9.example"), DNS_A)->fault,
		    DNS_ERROR_BUDGET);
		assert_true(dns_questions_count(t) <= 12);
		dns_questions_free(t);
	}
}

static void
asked_ahead_and_then_needed_is_one_question(void **state)
{
	struct dns_questions *t = dns_questions_new(2);

	(void)state;
	assert_int_equal(ask_number(t, 1, true), DNS_PENDING);
	assert_int_equal(ask_number(t, 1, false), DNS_PENDING);
	assert_int_equal(ask_number(t, 2, true), DNS_PENDING);
	assert_int_equal(dns_questions_count(t), 2);
	assert_int_equal(ask_number(t, 3, true), DNS_PENDING);
	assert_int_equal(dns_questions_count(t), 2);
	dns_questions_free(t);
}

static void
nothing_is_pending_after_giving_up(void **state)
{
	struct dns_questions *t = dns_questions_new(8);
	const struct dns_answer *late = answer_of_text("late");
	struct dns_question *q;

	(void)state;
	ask_number(t, 1, false);
	ask_number(t, 2, true);
	q = dns_questions_first(t);
	dns_questions_expire(t, DNS_ERROR_TIMEOUT);
	assert_int_equal(dns_questions_pending(t), 0);
	assert_null(dns_questions_next_unsent(t));
	dns_questions_set_answer(q, late);
	assert_int_equal(q->answer->fault, DNS_ERROR_TIMEOUT);
	assert_int_equal(ask_number(t, 1, false), DNS_FAILED);
	assert_int_equal(ask_number(t, 9, false), DNS_FAILED);
	assert_int_equal(ask_number(t, 10, true), DNS_FAILED);
	dns_answer_unref(late);
	dns_questions_free(t);
}

/* A failed prefetch that is not needed does not count as exceeding the budget.
 */
static void
a_failed_prefetch_does_not_exceed_the_budget(void **state)
{
	struct dns_questions *t = dns_questions_new(2);

	(void)state;
	ask_number(t, 1, true);
	dns_questions_expire(t, DNS_ERROR_BUDGET);
	ask_number(t, 1, true);
	assert_false(dns_questions_budget_exceeded(t));
	ask_number(t, 1, false);
	assert_true(dns_questions_budget_exceeded(t));
	dns_questions_free(t);

	t = dns_questions_new(1);
	ask_number(t, 1, false);
	assert_false(dns_questions_budget_exceeded(t));
	ask_number(t, 2, false);
	assert_true(dns_questions_budget_exceeded(t));
	dns_questions_free(t);

	t = dns_questions_new(2);
	ask_number(t, 1, false);
	dns_questions_set_answer(
	    dns_questions_first(t), dns_answer_failed(DNS_ERROR_TIMEOUT));
	ask_number(t, 1, false);
	assert_false(dns_questions_budget_exceeded(t));
	(void)dns_ask(t, SPAN("b.example"), DNS_TXT);
	dns_questions_set_answer(dns_questions_next_unsent(t),
	    dns_answer_failed(DNS_ERROR_RESOURCE));
	assert_false(dns_questions_budget_exceeded(t));
	(void)dns_ask(t, SPAN("b.example"), DNS_TXT);
	assert_true(dns_questions_budget_exceeded(t));
	dns_questions_free(t);
}

static const struct dns_answer *
ask_state(struct dns_questions *t, const char *name, bool needed,
    enum dns_state state)
{
	const struct dns_answer *a = needed
	    ? dns_ask(t, span_str(name), DNS_TXT)
	    : dns_prefetch(t, span_str(name), DNS_TXT);

	assert_int_equal(a->state, state);
	return a;
}

static struct dns_question *
send_next(struct dns_questions *t, bool prefetch)
{
	struct dns_question *q = dns_questions_next_unsent(t);

	assert_non_null(q);
	assert_int_equal(q->wait.prefetch, prefetch);
	q->sent = true;
	return q;
}

/* A dropped prefetch counts as a question that was never sent. */
static void
a_dropped_prefetch_is_not_answered(void **state)
{
	const struct dns_answer *refused = dns_answer_failed(DNS_ERROR_BUDGET);
	struct dns_questions *t = dns_questions_new(10);
	struct dns_question *q;

	(void)state;
	ask_state(t, "a.example", false, DNS_PENDING);
	ask_state(t, "b.example", false, DNS_PENDING);
	q = send_next(t, true);
	(void)send_next(t, true);
	dns_questions_set_answer(q, refused);
	assert_int_equal(dns_questions_pending(t), 1);
	assert_null(dns_questions_next_unsent(t));
	ask_state(t, "a.example", false, DNS_PENDING);
	assert_null(dns_questions_next_unsent(t));
	/* but once it is needed, it is sent again */
	ask_state(t, "a.example", true, DNS_PENDING);
	assert_int_equal(dns_questions_pending(t), 2);
	assert_int_equal(dns_questions_required(t), 1);
	assert_ptr_equal(send_next(t, false), q);
	assert_null(dns_questions_next_unsent(t));
	dns_questions_set_answer(q, refused);
	assert_int_equal(ask_state(t, "a.example", true, DNS_FAILED)->fault,
	    DNS_ERROR_BUDGET);
	assert_int_equal(dns_questions_pending(t), 1);
	assert_int_equal(dns_questions_required(t), 0);
	dns_questions_free(t);
}

/* The core asks for a prefetched answer while the source is working on the
 * question. */
static void
a_prefetch_that_is_dropped_when_needed_is_asked_again(void **state)
{
	struct dns_questions *t = dns_questions_new(10);
	struct dns_question *q;

	(void)state;
	ask_state(t, "a.example", false, DNS_PENDING);
	q = send_next(t, true);
	ask_state(t, "a.example", true, DNS_PENDING);
	assert_null(dns_questions_next_unsent(t));
	dns_questions_set_answer(q, dns_answer_failed(DNS_ERROR_RESOURCE));
	assert_int_equal(dns_questions_required(t), 1);
	assert_ptr_equal(send_next(t, false), q);
	dns_questions_set_answer(q, dns_answer_failed(DNS_ERROR_TIMEOUT));
	ask_state(t, "a.example", true, DNS_FAILED);
	assert_false(dns_questions_budget_exceeded(t));
	dns_questions_free(t);
}

/* If the domain's servers fail, that is an answer, even to a prefetch. */
static void
a_failed_prefetch_is_answered(void **state)
{
	struct dns_questions *t = dns_questions_new(10);

	(void)state;
	ask_state(t, "a.example", false, DNS_PENDING);
	ask_state(t, "b.example", false, DNS_PENDING);
	dns_questions_set_answer(
	    send_next(t, true), dns_answer_failed(DNS_ERROR_SERVFAIL));
	assert_int_equal(ask_state(t, "a.example", true, DNS_FAILED)->fault,
	    DNS_ERROR_SERVFAIL);
	/* after expiry nothing is pending, not even a dropped question */
	dns_questions_set_answer(
	    send_next(t, true), dns_answer_failed(DNS_ERROR_BUDGET));
	dns_questions_expire(t, DNS_ERROR_TIMEOUT);
	assert_int_equal(dns_questions_pending(t), 0);
	assert_int_equal(ask_state(t, "b.example", true, DNS_FAILED)->fault,
	    DNS_ERROR_TIMEOUT);
	assert_int_equal(dns_questions_required(t), 0);
	dns_questions_free(t);
}

static void
a_thousand_questions(void **state)
{
	struct dns_questions *t = dns_questions_new(1000);
	struct dns_source *zone = pump_zone("n500.example. A 192.0.2.1\n");

	(void)state;
	for (int i = 0; i < 1000; i++)
		ask_number(t, i, false);
	pump(t, zone);
	assert_int_equal(dns_questions_pending(t), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(ask_number(t, i, false),
		    i == 500 ? DNS_FOUND : DNS_NXDOMAIN);
	dns_questions_free(t);
	zone->close(zone);
}

/* A core that asks three dependent questions and an independent one. */
static enum core_status
chain(void *arg)
{
	struct dns_questions *t = arg;
	const struct dns_answer *other =
	    dns_ask(t, SPAN("other.example"), DNS_TXT);
	struct span name = SPAN("a.example");

	for (int i = 0; i < 3; i++) {
		const struct dns_answer *a = dns_ask(t, name, DNS_MX);

		if (a->state == DNS_PENDING)
			return CORE_WAIT;
		name = a->records[0].text;
	}
	return other->state == DNS_PENDING ? CORE_WAIT : CORE_DONE;
}

static void
there_are_as_many_waves_as_the_longest_chain_has_links(void **state)
{
	struct dns_source *zone = pump_zone("a.example. MX 1 b.example.\n"
					    "b.example. MX 1 c.example.\n"
					    "c.example. MX 1 d.example.\n");
	struct dns_source *fake = fake_new(zone, 20);
	struct dns_questions *t = dns_questions_new(10);

	(void)state;
	assert_int_equal(pump_core(t, fake, true, chain, t), 3);
	assert_int_equal(fake_round_trips(fake), 3);
	assert_int_equal(fake_now(fake), 60);
	assert_int_equal(fake_questions(fake), 4);
	assert_int_equal(fake_asked(fake, "b.example", DNS_MX), 1);
	dns_questions_free(t);
	fake->close(fake);
	zone->close(zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_is_a_copy),
		cmocka_unit_test(too_many_records_make_no_answer),
		cmocka_unit_test(constants_are_not_counted),
		cmocka_unit_test(parsed_form_lives_as_long_as_its_answer),
		cmocka_unit_test(names_of_types_and_states),
		cmocka_unit_test(a_question_is_noted_once_in_normal_form),
		cmocka_unit_test(answers_are_stored_until_the_end),
		cmocka_unit_test(an_invalid_name_is_not_asked),
		cmocka_unit_test(
		    the_budget_is_the_same_whatever_is_asked_ahead),
		cmocka_unit_test(asked_ahead_and_then_needed_is_one_question),
		cmocka_unit_test(nothing_is_pending_after_giving_up),
		cmocka_unit_test(a_failed_prefetch_does_not_exceed_the_budget),
		cmocka_unit_test(a_dropped_prefetch_is_not_answered),
		cmocka_unit_test(
		    a_prefetch_that_is_dropped_when_needed_is_asked_again),
		cmocka_unit_test(a_failed_prefetch_is_answered),
		cmocka_unit_test(a_thousand_questions),
		cmocka_unit_test(
		    there_are_as_many_waves_as_the_longest_chain_has_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
