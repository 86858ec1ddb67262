package main

import "portworker"

// register adds the built-in functions. Each is an ordinary Go function in the file of its name.
func register(w *portworker.Worker) {
	portworker.Handle(w, "echo", echo, portworker.NoRetain(),
		portworker.Doc("Returns its argument, any term."))
	portworker.Handle(w, "upcase", upcase, portworker.NoRetain(),
		portworker.Doc("Returns a UTF-8 binary in upper case."))
	portworker.Handle(w, "sleep", sleep,
		portworker.Doc("Returns the atom ok after the given milliseconds."))
	portworker.Handle(w, "sum", sum, portworker.OnLane(portworker.LaneCPU),
		portworker.Doc("Adds up the integers from 0 to n in a loop; the result is exact."))
	portworker.Handle(w, "process_items", processItems,
		portworker.Reports[itemProgress](), portworker.Doc("Returns a SHA-256 digest of each item of a list: of a binary's bytes, or of any other item's external term format. "+
			"Progress follows each item: done, total, item."))

	portworker.Handle2(w, "file.digest", fileDigest, portworker.OnLane(portworker.LaneBlocking),
		portworker.Reports[fileDigestProgress](), portworker.Doc("Returns a digest of a file, given its path and an algorithm: crc32, md5, sha1, sha256 (default) or sha512. "+
			"Progress: bytes, total."))
	portworker.Handle3(w, "file.grep", fileGrep, portworker.OnLane(portworker.LaneBlocking),
		portworker.Reports[grepProgress](), portworker.Doc("Returns the lines that match a regular expression (RE2 syntax) in a file or below a directory, in the order of their paths. "+
			"Options: include (a glob), hidden (default false), max_results (default 1,000), max_file_size (bytes, default 16 MiB). "+
			"Binary files are skipped. Progress: files, skipped, matches."))
	portworker.HandleSeq3(w, "file.grep.stream", fileGrepStream, portworker.OnLane(portworker.LaneBlocking),
		portworker.Reports[grepProgress](), portworker.Doc("Streams what file.grep returns, as it is found and in the same order, without a default for max_results."))
	portworker.HandleSeq2(w, "file.lines", fileLines, portworker.OnLane(portworker.LaneBlocking),
		portworker.Doc("Streams the lines of a file, without their ends, as binaries of any bytes. Option: max_line (bytes, default 1 MiB); a longer line ends the stream."))
	portworker.HandleSeq2(w, "csv.rows", csvRows, portworker.OnLane(portworker.LaneBlocking),
		portworker.Doc("Streams the rows of a CSV file, as lists of binaries or, with header, as maps by column name. "+
			"Options: header (default false), separator (default a comma), comment, lazy_quotes (default false), max_row (bytes, default 1 MiB). An error's details have line and column."))
	portworker.Handle(w, "image.thumbnail", imageThumbnail, portworker.OnLane(portworker.LaneCPU),
		portworker.Doc("Returns a PNG image that fits max_width by max_height (pixels, default 256), of a PNG or JPEG image given by path or data."))

	portworker.HandleSeq(w, "fibonacci", fibonacci,
		portworker.Doc("Streams the first n Fibonacci numbers, exact whatever their size, or all of them if n is left out."))
	portworker.HandleSeq3(w, "range", integers,
		portworker.Doc("Streams the integers from one to another, both included, by a step (default 1)."))
	portworker.HandleSeq(w, "monitor", monitor,
		portworker.Doc("Streams measurements of this worker, one at once and one each interval (milliseconds, default 1,000), for as long as they are asked for."))

	portworker.HandleChannel(w, "compress", compress,
		portworker.Doc("Takes binaries and gives them compressed, the rest when the input is closed. Argument: format (gzip or zstd), level."))
	portworker.HandleChannel(w, "decompress", decompress,
		portworker.Doc("Takes binaries and gives them decompressed. Argument: format (gzip or zstd), max_bytes (of output, default 1 GiB)."))
	portworker.HandleChannel(w, "stateful_worker", statefulWorker,
		portworker.Doc("Keeps a number, 0 or the argument: takes add and multiply with a value, get_current and shutdown."))
	portworker.Declare[csvPosition](w)
}
