/* Tests of dns/resolver.h: name servers as text, and resolv.conf(5). */
#include "dns/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/cmocka_compat.h"

static void
servers_as_text(void **state)
{
	static const struct {
		const char *text, *is, *why;
	} vectors[] = {
		{ "192.0.2.1", "192.0.2.1@53", NULL },
		{ "2001:db8::1@5353", "2001:db8::1@5353", NULL },
		{ "fe80::1%eth0", "fe80::1%eth0@53", NULL },
		{ "fe80::1%2@5353", "fe80::1%2@5353", NULL },
		{ "febf::1%a-name.of_15by", "febf::1%a-name.of_15by@53", NULL },
		{ "", NULL, "address" },
		{ "@53", NULL, "address" },
		{ "127.0.0.1@", NULL, "port" },
		{ "127.0.0.1@0", NULL, "port" },
		{ "127.0.0.1@65536", NULL, "port" },
		{ "127.0.0.1@53x", NULL, "port" },
		{ "localhost", NULL, "address" },
		{ "127.0.0.1:53", NULL, "address" },
		{ "127.0.0.1@53@53", NULL, "port" },
		{ "::1@-1", NULL, "port" },
		{ "fe80::1", NULL, "write fe80::1%eth0" },
		{ "fe80::1@53", NULL, "write fe80::1%eth0" },
		{ "fe80::1%", NULL, "write fe80::1%eth0" },
		{ "fe80::1%a_name_of_16byte", NULL, "write fe80::1%eth0" },
		{ "fe80::1%eth0%1", NULL, "port" },
		{ "fec0::1%eth0", NULL, "leave out the interface" },
		{ "192.0.2.1%eth0", NULL, "leave out the interface" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct server_address s;
		char text[100] = "";
		struct buf b = buf_wrap(text, sizeof(text));
		const char *why =
		    server_address_parse(span_str(vectors[i].text), &s);

		if (why == NULL)
			server_address_put(&b, &s);
		if ((why == NULL) != (vectors[i].why == NULL) ||
		    (why == NULL ? strcmp(text, vectors[i].is) != 0
				 : strstr(why, vectors[i].why) == NULL))
			fail_msg("\"%s\": \"%s\" %s", vectors[i].text, text,
			    why != NULL ? why : "");
	}
}

static void
resolv_conf(void **state)
{
	static const char text[] = "# nameserver 192.0.2.9\n"
				   "search example.org\n"
				   "nameserver 192.0.2.1\n"
				   "nameserver\t2001:db8::1   \n"
				   "nameserver nonsense\n"
				   "nameserver fe80::1%eth0\n"
				   "nameserver fe80::1\n"
				   "nameserver 192.0.2.7@54\n"
				   "nameservers 192.0.2.8\n"
				   "options trust-ad\n"
				   "nameserver 192.0.2.2";
	static const char *const wrong[] = {
		":5: nameserver nonsense is not an address",
		":7: nameserver fe80::1 is a link-local address",
		":8: nameserver 192.0.2.7@54 has a port",
	};
	char path[] = "/tmp/avouch-resolv-XXXXXX";
	int fd = mkstemp(path);
	struct dns_resolver_options o = { .n_servers = 5 };
	char memory[1000] = "";
	struct buf complaints = buf_wrap(memory, sizeof(memory));

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	dns_resolver_read_resolv_conf(path, &o, &complaints);
	unlink(path);
	assert_int_equal(o.n_servers, 4);
	assert_int_equal(o.servers[0].ip.bytes[3], 1);
	assert_int_equal(o.servers[1].ip.family, IP_V6);
	assert_string_equal(o.servers[2].interface, "eth0");
	assert_int_equal(o.servers[3].ip.bytes[3], 2);
	assert_int_equal(o.servers[3].port, 53);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_non_null(strstr(memory, wrong[i]));
	dns_resolver_read_resolv_conf("/nonexistent/resolv.conf", &o, NULL);
	assert_int_equal(o.n_servers, 1);
	assert_int_equal(o.servers[0].ip.bytes[0], 127);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_as_text),
		cmocka_unit_test(resolv_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
