package main

const produceLong = `Send each line of the files, or of standard input, as one record. "-" is standard input.

A line ends with \n or \r\n, which is not sent. The last one may lack its end. An empty line is a record with an empty
value. A line above 1,000,000 bytes, with its key, is not sent: its file and number are told, and the rest goes on.

Input that is compressed (gzip, zstd, bzip2, lz4, snappy, zlib) is decompressed, files and pipes alike, whatever their names.
UTF-16 and UTF-32 are converted to UTF-8 if they begin with a byte order mark, which is not sent. Other formats (xz, zip, tar
and the like) and binary data are refused with a message and exit code 1. With --raw all bytes are sent as they are.

Lines without a key have NO ORDER in Kafka. Those with the same key keep theirs: see --key-separator.

The input is read at the pace at which Kafka takes it: while the buffer is full, reading waits. While brokers cannot be
reached, at the start or later, the command goes on trying and the progress says why. Nothing is lost by that within
--delivery-timeout, which is an hour unless you say otherwise, because a file is to arrive whole.

With --config the settings are those of a file and of the variables FOREBAY_..., as "forebay config check" shows them; flags
that are written go before both. A file that changes is put into force while the command runs, at once by SIGHUP; one with
mistakes changes nothing. Delivery timeouts are then the file's.

Progress goes to standard error: one live line on a terminal, else a line every 5 seconds. The last line says how many
lines were accepted and delivered, and how many were not and why.

Ctrl-C (or SIGTERM) stops reading. What was read so far has --close-timeout to be delivered. A second Ctrl-C, half a
second after the first or later, gives up what is left at once.

Exit codes:
  0    the input was delivered to its end
  1    some of it was not: lines, or a file that could not be read to its end
  2    the command is wrong, and nothing was sent
  130  interrupted, and the input was not read to its end or not all of it was delivered`

const produceExample = `  forebay produce --brokers kafka-1:9092,kafka-2:9092 --topic plays plays-*.log
  forebay produce --brokers kafka-1:9092 --topic plays --compression zstd plays-*.log.gz
  forebay produce --brokers kafka-1:9092 --topic users --key-separator '\t' < users.tsv
  forebay produce --config forebay.yaml --topic plays plays.log`
