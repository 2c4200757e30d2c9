# avouch: one Makefile, no configure step.  `make help` lists the targets.

VERSION = 0.1.0
BUILD  ?= build
PREFIX ?= /usr/local
DESTDIR ?=

CC      ?= cc
STD      = -std=c17 -D_GNU_SOURCE -I. -DAVOUCH_VERSION='"$(VERSION)"'
WARN     = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wundef -Wvla $(WERROR)
HARDEN   = -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection -fPIE
CFLAGS  ?= -O2 -g
LINKHARD = -pie -Wl,-z,relro,-z,now -Wl,--as-needed
COMPILE  = $(CC) $(STD) $(WARN) $(HARDEN) $(CFLAGS) $(INCLUDES) -MMD -MP

# The rooms (lowest first).  report/ is split at the link: the archive gives a
# program only the objects it names, so the daemon never sees XML or ZIP.
ROOMS    = lib mail dns spf dkim dmarc verify report
SOURCES  = $(foreach room,$(ROOMS),$(wildcard $(room)/*.c))
OBJECTS  = $(SOURCES:%.c=$(BUILD)/%.o)
ARCHIVE  = $(BUILD)/libavouch.a

COMMAND_PARTS = libxml-2.0 libarchive gmime-3.0 libpq
INCLUDES = $(shell pkg-config --cflags $(COMMAND_PARTS) 2>/dev/null)
LIBS     = -lldns -lcrypto -lidn2 -lconfuse -ljansson -lsqlite3 -lpthread
LIBS_DAEMON  = -lmilter $(LIBS) -lmicrohttpd
LIBS_COMMAND = $(LIBS) $(shell pkg-config --libs $(COMMAND_PARTS) 2>/dev/null)

DAEMON   = $(BUILD)/avouch-milter
COMMAND  = $(BUILD)/avouch
MILTER_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard milter/*.c))
CLI_OBJECTS    = $(patsubst %.c,$(BUILD)/%.o,$(wildcard cli/*.c))

TESTS    = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*_test.c))
HELPERS  = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
LIBS_TEST = -lcmocka $(LIBS_COMMAND)

all: $(if $(MILTER_OBJECTS),$(DAEMON)) $(if $(CLI_OBJECTS),$(COMMAND))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

$(ARCHIVE): $(OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(DAEMON): $(MILTER_OBJECTS) $(ARCHIVE)
	$(CC) $(CFLAGS) $(LINKHARD) -o $@ $^ $(LIBS_DAEMON)

$(COMMAND): $(CLI_OBJECTS) $(ARCHIVE)
	$(CC) $(CFLAGS) $(LINKHARD) -o $@ $^ $(LIBS_COMMAND)

$(BUILD)/tests/%_test: $(BUILD)/tests/%_test.o $(HELPERS) $(ARCHIVE)
	$(CC) $(CFLAGS) $(LINKHARD) -o $@ $^ $(LIBS_TEST)

unit: $(TESTS)
	@tests/run_cmocka $(TESTS)

.SECONDARY:
.PHONY: all unit clean
clean:
	rm -rf build build-*

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
