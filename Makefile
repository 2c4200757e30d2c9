# avouch: build, install, package.  There is no configure step.  The tests are in
# tests/tests.mk; `make help` lists all targets.

VERSION = 0.1.0
BUILD  ?= build
PREFIX ?= /usr/local
DESTDIR ?=

CC      ?= cc
STD      = -std=c17 -D_GNU_SOURCE -I. -DAVOUCH_VERSION='"$(VERSION)"'
WARN     = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wundef -Wvla $(WERROR)
FORTIFY ?= -D_FORTIFY_SOURCE=2
# Flags that some compilers or processors do not support; each is tried first.
flag_if_known = $(shell $(CC) -Werror $(1) -x c -c -o /dev/null /dev/null \
	2>/dev/null && echo $(1))
HARDEN  := $(foreach flag,-fstack-protector-strong -fstack-clash-protection \
	-fcf-protection -fPIE,$(call flag_if_known,$(flag)))
CFLAGS  ?= -O2 -g
LINKHARD = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
COMPILE  = $(CC) $(STD) $(WARN) $(FORTIFY) $(HARDEN) $(CPPFLAGS) $(CFLAGS) $(INCLUDES) \
	-MMD -MP

# Lowest room first.  The linker takes only the objects a program uses from the
# archive, so the daemon has no XML, ZIP or MIME library.
ROOMS    = lib mail dns spf dkim dmarc conf verify host sign audit report
SOURCES  = $(foreach room,$(ROOMS),$(wildcard $(room)/*.c $(room)/*/*.c))
OBJECTS  = $(SOURCES:%.c=$(BUILD)/%.o)
ARCHIVE  = $(BUILD)/libavouch.a

COMMAND_PARTS = libxml-2.0 libarchive gmime-3.0 libpq libcurl
INCLUDES := $(shell pkg-config --cflags $(COMMAND_PARTS) 2>/dev/null)
LIBS     = -lldns -lcrypto -lidn2 -ljansson -lsqlite3 -lpthread
LIBS_DAEMON  = -lmilter $(LIBS) -lmicrohttpd
LIBS_COMMAND := $(LIBS) $(shell pkg-config --libs $(COMMAND_PARTS) 2>/dev/null)

DAEMON   = $(BUILD)/avouch-milter
COMMAND  = $(BUILD)/avouch
MILTER_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard milter/*.c))
CLI_OBJECTS    = $(patsubst %.c,$(BUILD)/%.o,$(wildcard cli/*.c cli/*/*.c))

all: $(DAEMON) $(COMMAND)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

# Files of two rooms may have the same name, so members are appended (q), not
# replaced by name (r).
$(ARCHIVE): $(OBJECTS)
	@rm -f $@
	$(AR) qcs $@ $^

$(DAEMON): $(MILTER_OBJECTS) $(ARCHIVE)
	$(CC) $(CFLAGS) $(LINKHARD) -o $@ $^ $(LIBS_DAEMON)

$(COMMAND): $(CLI_OBJECTS) $(ARCHIVE)
	$(CC) $(CFLAGS) $(LINKHARD) -o $@ $^ $(LIBS_COMMAND)

# ---- install: DESTDIR= PREFIX= ----

# The programs read their configuration here, regardless of PREFIX.
CONF     = $(DESTDIR)/etc/avouch/avouch.conf
UNITS    = $(notdir $(wildcard etc/*.service etc/*.timer))
PAGES    = $(wildcard etc/*.[158])
DOCS     = README.md LICENSE docs/MIGRATING.md $(wildcard etc/*.snippet)
DATA     = $(wildcard etc/grafana/* etc/prometheus/*)
COMPLETE = $(wildcard etc/avouch.bash-completion)

# SOURCE:MODE:TARGET, with TARGET below PREFIX; uninstall uses the same list.
PLACES   = $(DAEMON):755:sbin/avouch-milter $(COMMAND):755:bin/avouch \
	etc/avouch-publish-nsupdate:755:sbin/avouch-publish-nsupdate \
	etc/avouch.sysusers:644:lib/sysusers.d/avouch.conf \
	etc/avouch.tmpfiles:644:lib/tmpfiles.d/avouch.conf \
	$(foreach unit,$(UNITS),etc/$(unit):644:lib/systemd/system/$(unit)) \
	$(foreach page,$(PAGES),$(page):644:share/man/man$(patsubst \
		.%,%,$(suffix $(page)))/$(notdir $(page))) \
	$(foreach doc,$(DOCS),$(doc):644:share/doc/avouch/$(notdir $(doc))) \
	$(foreach file,$(DATA),$(file):644:share/avouch/$(patsubst etc/%,%,$(file))) \
	$(COMPLETE:%=%:644:share/bash-completion/completions/avouch)

install: all
	@for place in $(PLACES); do \
		from=$${place%%:*} to=$${place##*:} mode=$${place#*:}; \
		install -D -m $${mode%%:*} $$from "$(DESTDIR)$(PREFIX)/$$to" || \
			exit 1; \
	done
	@for unit in $(filter %.service,$(UNITS)); do \
		sed -i 's|/usr/\(s*bin/avouch\)|$(PREFIX)/\1|' \
			"$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit" || exit 1; \
	done
	@[ -e "$(CONF)" ] || install -D -m 644 etc/avouch.conf "$(CONF)"
	@echo "installed below $(DESTDIR)$(PREFIX); configuration: $(CONF)"

# Keeps a configuration file that was changed.
uninstall:
	@for place in $(PLACES); do \
		rm -f "$(DESTDIR)$(PREFIX)/$${place##*:}" || exit 1; \
	done
	@for folder in doc/avouch avouch/grafana avouch/prometheus avouch; do \
		rmdir "$(DESTDIR)$(PREFIX)/share/$$folder" 2>/dev/null || :; \
	done
	@if cmp -s etc/avouch.conf "$(CONF)"; then rm -f "$(CONF)"; fi
	@rmdir "$(DESTDIR)/etc/avouch" 2>/dev/null || :
	@[ ! -e "$(CONF)" ] || echo "kept, because it was changed: $(CONF)"

# Builds in a copy: debhelper needs debian/ at the top and writes into it.
deb:
	@tests/deps build deb
	@rm -rf $(BUILD)/deb
	@mkdir -p $(BUILD)/deb/avouch
	@tar -cf - --exclude='./$(BUILD)' --exclude='./build' \
		--exclude='./build-*' --exclude='./.git' \
		--exclude=__pycache__ . | tar -C $(BUILD)/deb/avouch -xf -
	@cp -R etc/debian $(BUILD)/deb/avouch/debian
	@cd $(BUILD)/deb/avouch && env -u MAKEFLAGS -u MAKELEVEL \
		DEB_BUILD_OPTIONS="nocheck $$DEB_BUILD_OPTIONS" \
		dpkg-buildpackage -us -uc -b -Pnocheck >../build.log 2>&1 || \
		{ tail -30 ../build.log; exit 1; }
	@rm -rf $(BUILD)/deb/avouch
	@! command -v lintian >/dev/null || lintian --allow-root \
		--fail-on error,warning $(BUILD)/deb/avouch_*.changes
	@ls $(BUILD)/deb/avouch_*.deb

help:
	@echo "all          build/avouch-milter and build/avouch (default)"
	@echo "install      DESTDIR= PREFIX=/usr/local; uninstall removes it"
	@echo "deb          a Debian package, in build/deb"
	@echo "clean        remove build and build-*"
	@sed -n 's/^##  *//p' tests/tests.mk

.SECONDARY:
.PHONY: all install uninstall deb help clean
clean:
	rm -rf build build-*

include tests/tests.mk
-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
