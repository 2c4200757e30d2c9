/* Tests of read_ahead.c: libmilter sees the same bytes, with fewer system
 * calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "milter/read_ahead.h"

enum { STREAM = 300000 };

struct connection {
	int mta, ours;
};

static int listener;

static int
start(void **state)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	(void)state;
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	return bind(listener, (struct sockaddr *)&any, sizeof(sa_family_t)) ==
		    0 &&
		listen(listener, 4) == 0
	    ? 0
	    : -1;
}

static struct connection
connection_new(void)
{
	struct sockaddr_un address;
	socklen_t size = sizeof(address);
	struct connection c;

	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&address, &size), 0);
	c.mta = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(c.mta, (struct sockaddr *)&address, size), 0);
	c.ours = accept(listener, NULL, NULL);
	assert_true(c.ours >= 0);
	return c;
}

static void
connection_end(struct connection c)
{
	close(c.mta);
	close(c.ours);
}

static void
send_text(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int
is_ready(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, wait_ms);
}

static void
expect_read_ahead(int fd, const char *text)
{
	char got[64] = "";

	assert_int_equal(read(fd, got, strlen(text)), strlen(text));
	assert_string_equal(got, text);
}

/* Returns the number of bytes that are still in the kernel. */
static int
in_kernel(int fd)
{
	int n = -1;

	assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
	return n;
}

static void
all_arrived_bytes_are_read_in_one_call(void **state)
{
	struct connection c = connection_new();

	(void)state;
	assert_int_equal(is_ready(c.ours, 0), 0);
	send_text(c.mta, "0123456789");
	assert_int_equal(is_ready(c.ours, 0), 1);
	expect_read_ahead(c.ours, "01");
	assert_int_equal(in_kernel(c.ours), 0);
	assert_int_equal(is_ready(c.ours, -1), 1);
	expect_read_ahead(c.ours, "234");
	send_text(c.mta, "abc");
	expect_read_ahead(c.ours, "56789");
	assert_int_equal(is_ready(c.ours, 0), 1);
	expect_read_ahead(c.ours, "abc");
	assert_int_equal(is_ready(c.ours, 0), 0);
	connection_end(c);
}

static void
poll_makes_no_system_call_before_the_bytes_are_read(void **state)
{
	struct connection c = connection_new();
	char byte;

	(void)state;
	send_text(c.mta, "x");
	assert_int_equal(is_ready(c.ours, 0), 1);
	/* After this recv(), a poll() system call would return 0. */
	assert_int_equal(recv(c.ours, &byte, 1, 0), 1);
	assert_int_equal(is_ready(c.ours, 0), 1);
	connection_end(c);
}

static void
the_end_comes_after_the_bytes(void **state)
{
	struct connection c = connection_new();
	char byte;

	(void)state;
	send_text(c.mta, "abc");
	assert_int_equal(shutdown(c.mta, SHUT_WR), 0);
	assert_int_equal(is_ready(c.ours, 0), 1);
	expect_read_ahead(c.ours, "a");
	assert_int_equal(is_ready(c.ours, 0), 1);
	expect_read_ahead(c.ours, "bc");
	assert_int_equal(is_ready(c.ours, 0), 1);
	assert_int_equal(read(c.ours, &byte, 1), 0);
	connection_end(c);
}

static unsigned char
byte_at(size_t i)
{
	return (unsigned char)(i * 2654435761U >> 13);
}

static void *
send_stream(void *arg)
{
	const struct connection *c = arg;
	static unsigned char bytes[STREAM];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte_at(i);
	for (size_t at = 0, n = 1; at < sizeof(bytes);
	     at += n, n = n * 7 % 9973) {
		if (n > sizeof(bytes) - at)
			n = sizeof(bytes) - at;
		if (write(c->mta, bytes + at, n) != (ssize_t)n)
			break;
	}
	shutdown(c->mta, SHUT_WR);
	return NULL;
}

static void
the_stream_is_the_same_for_all_sizes(void **state)
{
	struct connection c = connection_new();
	static unsigned char got[40000];
	pthread_t sender;
	size_t at = 0;
	ssize_t n;

	(void)state;
	assert_int_equal(pthread_create(&sender, NULL, send_stream, &c), 0);
	for (size_t want = 5;; want = want * 31 % 39979) {
		if (want % 3 != 0)
			assert_int_equal(is_ready(c.ours, -1), 1);
		n = read(c.ours, got, want);
		assert_true(n >= 0);
		if (n == 0)
			break;
		for (size_t i = 0; i < (size_t)n; i++)
			assert_int_equal(got[i], byte_at(at + i));
		at += (size_t)n;
	}
	assert_int_equal(at, STREAM);
	pthread_join(sender, NULL);
	connection_end(c);
}

static void
close_discards_bytes_that_were_read_ahead(void **state)
{
	struct connection old = connection_new(), new;

	(void)state;
	send_text(old.mta, "secret");
	assert_int_equal(is_ready(old.ours, 0), 1);
	expect_read_ahead(old.ours, "s");
	close(old.ours);
	close(old.mta);
	new = connection_new();
	assert_int_equal(new.ours, old.ours);
	assert_int_equal(is_ready(new.ours, 0), 0);
	send_text(new.mta, "public");
	assert_int_equal(is_ready(new.ours, 0), 1);
	expect_read_ahead(new.ours, "public");
	connection_end(new);
}

static void *
close_it(void *arg)
{
	close(*(int *)arg);
	return NULL;
}

static void
close_in_another_thread_discards_them_too(void **state)
{
	struct connection old = connection_new(), new;
	pthread_t other;

	(void)state;
	send_text(old.mta, "secret");
	assert_int_equal(is_ready(old.ours, 0), 1);
	expect_read_ahead(old.ours, "s");
	assert_int_equal(pthread_create(&other, NULL, close_it, &old.ours), 0);
	pthread_join(other, NULL);
	close(old.mta);
	new = connection_new();
	assert_int_equal(new.ours, old.ours);
	assert_int_equal(is_ready(new.ours, 0), 0);
	send_text(new.mta, "public");
	assert_int_equal(is_ready(new.ours, 0), 1);
	expect_read_ahead(new.ours, "public");
	connection_end(new);
}

static void
two_connections_do_not_mix(void **state)
{
	struct connection a = connection_new(), b = connection_new();

	(void)state;
	send_text(a.mta, "aaaa");
	send_text(b.mta, "bbbb");
	assert_int_equal(is_ready(a.ours, 0), 1);
	expect_read_ahead(a.ours, "a");
	assert_int_equal(is_ready(b.ours, 0), 1);
	expect_read_ahead(b.ours, "bb");
	assert_int_equal(in_kernel(b.ours), 2);
	expect_read_ahead(a.ours, "aaa");
	expect_read_ahead(b.ours, "bb");
	connection_end(a);
	connection_end(b);
}

/* Nothing is read ahead for a libmilter that waits with select(). */
static void
nothing_is_read_ahead_without_poll(void **state)
{
	struct connection c = connection_new();

	(void)state;
	send_text(c.mta, "0123456789");
	expect_read_ahead(c.ours, "01");
	assert_int_equal(in_kernel(c.ours), 8);
	connection_end(c);
}

static void
other_descriptors_are_not_read_ahead(void **state)
{
	struct connection c = connection_new();
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	send_text(ends[1], "0123456789");
	assert_int_equal(is_ready(ends[0], 0), 1);
	expect_read_ahead(ends[0], "01");
	assert_int_equal(in_kernel(ends[0]), 8);
	close(ends[0]);
	close(ends[1]);
	/* this end of the connection was not returned by accept() */
	send_text(c.ours, "0123456789");
	assert_int_equal(is_ready(c.mta, 0), 1);
	expect_read_ahead(c.mta, "01");
	assert_int_equal(in_kernel(c.mta), 8);
	connection_end(c);
}

static void
nothing_is_read_ahead_after_stop(void **state)
{
	struct connection c;

	(void)state;
	read_ahead_stop();
	c = connection_new();
	send_text(c.mta, "0123456789");
	assert_int_equal(is_ready(c.ours, 0), 1);
	expect_read_ahead(c.ours, "01");
	assert_int_equal(in_kernel(c.ours), 8);
	connection_end(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_arrived_bytes_are_read_in_one_call),
		cmocka_unit_test(
		    poll_makes_no_system_call_before_the_bytes_are_read),
		cmocka_unit_test(the_end_comes_after_the_bytes),
		cmocka_unit_test(the_stream_is_the_same_for_all_sizes),
		cmocka_unit_test(close_discards_bytes_that_were_read_ahead),
		cmocka_unit_test(close_in_another_thread_discards_them_too),
		cmocka_unit_test(two_connections_do_not_mix),
		cmocka_unit_test(nothing_is_read_ahead_without_poll),
		cmocka_unit_test(other_descriptors_are_not_read_ahead),
		cmocka_unit_test(
		    nothing_is_read_ahead_after_stop), /* must be last */
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
