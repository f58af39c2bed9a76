# Compiles the engine, QuickJS: part of Makefile, in a file of its own so that only what is in it makes an engine anew.
# QUICKJS is a folder with the engine's source, which is compiled into $(BUILD)/engine. For an engine that is there already, give
# QUICKJS_INCLUDE, QUICKJS_LIBS and QJSC, all three of one version: bytecode is good for no other. Where virtssh is cross-compiled,
# QJSC is one that runs here, if the byte order is the same: regular expressions are compiled into the byte order of the machine that
# QJSC is for. If it is not, QJSC is the target's, linked with QJSC_LDFLAGS=-static, and QJSC_RUN the emulator that runs it.

GENERATED ?= generated
BUILD ?= build/make

CC ?= gcc
AR ?= ar
CFLAGS ?= -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fstack-clash-protection

QUICKJS ?= $(BUILD)/quickjs
QUICKJS_INCLUDE ?= $(QUICKJS)
QUICKJS_LIBS ?= $(BUILD)/engine/libquickjs.a
QJSC ?= $(BUILD)/engine/qjsc
QJSC_RUN ?=
QJSC_LDFLAGS ?=

ENGINE_FLAGS = -fwrapv -ffunction-sections -fdata-sections -fPIE -ffile-prefix-map=$(QUICKJS)/=quickjs/ -D_GNU_SOURCE \
	-DCONFIG_VERSION='"$(shell cat $(QUICKJS)/VERSION)"' -DCONFIG_CC='"gcc"' -DCONFIG_PREFIX='"/usr/local"'
ENGINE_OBJECTS = $(patsubst %,$(BUILD)/engine/%.o,quickjs libregexp libunicode cutils dtoa)
COMPILER_OBJECTS = $(patsubst %,$(BUILD)/engine/%.o,qjsc quickjs-libc)
# As `npm run dist` has packed it.
QUICKJS_TARBALL = $(wildcard $(GENERATED)/quickjs_*.orig.tar.xz)

.DELETE_ON_ERROR:
.PHONY: engine
engine: $(BUILD)/engine/libquickjs.a $(BUILD)/engine/qjsc

ifneq ($(QUICKJS_TARBALL),)
$(QUICKJS)/VERSION: $(QUICKJS_TARBALL)
	mkdir -p $(QUICKJS)
	tar -xJf $< --strip-components=1 --touch -C $(QUICKJS)
endif

$(BUILD)/engine/%.o: $(QUICKJS)/VERSION
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(ENGINE_FLAGS) -c $(QUICKJS)/$*.c -o $@

$(BUILD)/engine/libquickjs.a: $(ENGINE_OBJECTS)
	rm -f $@
	$(AR) rcsD $@ $^

$(BUILD)/engine/qjsc: $(COMPILER_OBJECTS) $(BUILD)/engine/libquickjs.a
	$(CC) $(CFLAGS) -o $@ $^ $(QJSC_LDFLAGS) -lm -lpthread -ldl
