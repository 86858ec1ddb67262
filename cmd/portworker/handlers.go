package main

import "portworker"

// register adds the built-in functions. Each is an ordinary Go function in the file of its name.
func register(w *portworker.Worker) {
	portworker.Handle(w, "echo", echo,
		portworker.Doc("Returns its argument, any term."))
	portworker.Handle(w, "upcase", upcase,
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
	portworker.Handle(w, "image.thumbnail", imageThumbnail, portworker.OnLane(portworker.LaneCPU),
		portworker.Doc("Returns a PNG image that fits max_width by max_height (pixels, default 256), of a PNG or JPEG image given by path or data."))
}
