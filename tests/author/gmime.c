/*
 * gmime.c - prints the addresses that GMime reads in From fields.
 *
 * Each line of stdin is the base64 of a field's value without NUL; each line of
 * stdout has the base64 of every address.
 */
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>

static void
print_list(InternetAddressList *list)
{
	int n = list != NULL ? internet_address_list_length(list) : 0;

	for (int i = 0; i < n; i++) {
		InternetAddress *one =
		    internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_GROUP(one)) {
			print_list(internet_address_group_get_members(
			    INTERNET_ADDRESS_GROUP(one)));
			continue;
		}
		const char *text = internet_address_mailbox_get_addr(
		    INTERNET_ADDRESS_MAILBOX(one));

		if (text != NULL) {
			char *coded =
			    g_base64_encode((const guchar *)text, strlen(text));

			printf("%s ", coded);
			g_free(coded);
		}
	}
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;

	g_mime_init();
	while (getline(&line, &room, stdin) >= 0) {
		gsize n;
		char *value = (char *)g_base64_decode(line, &n);
		InternetAddressList *list;

		value = g_realloc(value, n + 1);
		value[n] = '\0';
		list = internet_address_list_parse(NULL, value);
		print_list(list);
		putchar('\n');
		if (list != NULL)
			g_object_unref(list);
		g_free(value);
	}
	free(line);
	return 0;
}
