#!/usr/bin/perl
# Joins the descriptors a port opened to a TCP socket of the test, byte for byte, so that a test
# process can play the worker.
#
#   bridge.pl PORT EXIT_STATUS
#
# Ends with EXIT_STATUS when the test closes the socket, with 0 at the end of its input.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $status) = @ARGV;
my ($in, $out) = (\*STDIN, \*STDOUT);
if (($ENV{PORTWORKER_DESCRIPTORS} // '') eq '3,4') {
    open($in, '<&=', 3) or die "descriptor 3: $!";
    open($out, '>&=', 4) or die "descriptor 4: $!";
}
my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
    or exit 1; # The test is over.
# First of all its own pid, as a packet of four bytes.
copy($socket, pack('NN', 4, $$));

while (1) {
    my $set = '';
    vec($set, fileno($in), 1) = 1;
    vec($set, fileno($socket), 1) = 1;
    select($set, undef, undef, undef);
    if (vec($set, fileno($socket), 1)) {
        sysread($socket, my $bytes, 65536) or exit $status;
        copy($out, $bytes);
    }
    if (vec($set, fileno($in), 1)) {
        sysread($in, my $bytes, 65536) or exit 0;
        copy($socket, $bytes);
    }
}

sub copy {
    my ($to, $bytes) = @_;
    for (my $at = 0; $at < length $bytes;) {
        my $n = syswrite($to, $bytes, length($bytes) - $at, $at);
        exit $status unless defined $n;
        $at += $n;
    }
}
