package main

const produceLong = `Send each line of the files, or of standard input, as one record. The file name
"-" means standard input.

Lines. A line ends with \n or \r\n, which is not sent; the last line may lack it. An empty line is
a record with an empty value. A line above 1,000,000 bytes, including its key, is not sent: the
command prints its file and number and goes on.

Keys. Lines without a key have NO ORDER in Kafka. Lines with the same key keep their order: see
--key-separator. A line without the separator has no key.

Headers. Each --header name=value adds a header to every record. A line cannot have headers of its
own. Headers count toward the 1,000,000 bytes of a record.

Rate. --rate n sends at most n records a second, evenly. Time that is lost while the buffer is full
is not made up for.

Formats. Input that is compressed with gzip, zstd, bzip2, lz4, snappy or zlib is decompressed,
whatever its name. UTF-16 and UTF-32 become UTF-8 if they begin with a byte order mark, which is
not sent. Other formats (xz, zip, tar and so on) and binary data are refused with exit code 1. With
--raw all bytes are sent unchanged.

Outages. The command reads its input only as fast as Kafka takes it. While the brokers cannot be
reached, even at the start, it keeps trying and prints why. No line is lost unless the outage lasts
longer than --delivery-timeout, which is an hour by default.

Acknowledgements. With --acks leader, records are lost or duplicated when a leader dies.

Settings. With --config the settings come from a file and from the FOREBAY_... environment
variables ("forebay config check" prints them); flags that are given override both. The file is
read again when it changes, and on SIGHUP; a file with mistakes changes nothing. The delivery
timeouts are then those of the file.

Progress. Progress goes to standard error: one live line on a terminal, otherwise a line every 5
seconds. The last line says how many lines were accepted and delivered, and how many were not and
why.

Interrupts. Ctrl-C (or SIGTERM) stops reading. Lines already read have --close-timeout to be
delivered. A second Ctrl-C, at least half a second later, gives up the rest at once.

Exit codes:
  0    the whole input was delivered
  1    some lines were not delivered, or a file could not be read to its end
  2    the command line or the settings are wrong; nothing was sent
  130  interrupted before the whole input was read and delivered`

const produceExample = `  forebay produce --brokers kafka-1:9092 --topic plays plays-*.log
  forebay produce --brokers kafka-1:9092 --topic plays --compression zstd plays-*.log.gz
  forebay produce --brokers kafka-1:9092 --topic users --key-separator '\t' < users.tsv
  forebay produce --brokers kafka-1:9092 --topic plays --header source=file --rate 500 plays.log
  forebay produce --config forebay.yaml --topic plays plays.log`
