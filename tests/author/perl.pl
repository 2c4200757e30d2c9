#!/usr/bin/perl
# Prints the addresses that a Perl module reads in From fields.
#
# usage: perl.pl Mail::Address|Email::Address::XS [decode]
#
# Each line of stdin is the base64 of a field's value; each line of stdout has the
# base64 of every address.  With "decode" encoded words are decoded first.
use strict;
use warnings;
use Encode ();
use MIME::Base64 qw(decode_base64 encode_base64);

my ($module, $decode) = @ARGV;
eval "require $module; 1" or do { print STDERR "no $module\n"; exit 75 };
$SIG{__WARN__} = sub { };
$| = 1;
while (my $line = <STDIN>) {
    my $value = decode_base64($line);
    if ($decode) {
        my $text = eval { Encode::decode('MIME-Header', $value) };
        $value = Encode::encode('UTF-8', $text) if defined $text;
    }
    my @found = grep { defined && length } map { $_->address }
        eval { $module->parse($value) };
    print join(' ', map {
        utf8::encode($_) if utf8::is_utf8($_); encode_base64($_, '') } @found), "\n";
}
