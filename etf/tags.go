package etf

// Version is the byte that opens every external term.
const Version = 131

// The tags of the External Term Format. They are on the wire and never change.
const (
	tagNewFloat       = 70  // F: 8 bytes, IEEE 754
	tagBitBinary      = 77  // M: length 4, bits 1, bytes
	tagCompressed     = 80  // P: inflated size 4, zlib stream; only after the version byte
	tagNewPid         = 88  // X: node, id 4, serial 4, creation 4
	tagNewPort        = 89  // Y: node, id 4, creation 4
	tagNewerReference = 90  // Z: words 2, node, creation 4, words
	tagSmallInteger   = 97  // a: 1 byte
	tagInteger        = 98  // b: 4 bytes, signed
	tagFloat          = 99  // c: 31 bytes of text
	tagAtom           = 100 // d: length 2, Latin-1
	tagReference      = 101 // e: node, id 4, creation 1
	tagPort           = 102 // f: node, id 4, creation 1
	tagPid            = 103 // g: node, id 4, serial 4, creation 1
	tagSmallTuple     = 104 // h: arity 1
	tagLargeTuple     = 105 // i: arity 4
	tagNil            = 106 // j: the empty list
	tagString         = 107 // k: length 2, bytes; a list of small integers
	tagList           = 108 // l: length 4, elements, tail
	tagBinary         = 109 // m: length 4, bytes
	tagSmallBig       = 110 // n: length 1, sign 1, little-endian magnitude
	tagLargeBig       = 111 // o: length 4, sign 1, little-endian magnitude
	tagNewFun         = 112 // p: size 4 and a header, then terms
	tagExport         = 113 // q: module, function, arity as a small integer
	tagNewReference   = 114 // r: words 2, node, creation 1, words
	tagSmallAtom      = 115 // s: length 1, Latin-1
	tagMap            = 116 // t: pairs 4
	tagAtomUTF8       = 118 // v: length 2, UTF-8
	tagSmallAtomUTF8  = 119 // w: length 1, UTF-8
	tagV4Port         = 120 // x: node, id 8, creation 4

	// Tags that binary_to_term refuses too; they are named so that an error can name them.
	tagAtomCacheRef = 82  // R: only inside a distribution header
	tagOldFun       = 117 // u: FUN_EXT, gone since OTP 23
	tagLocal        = 121 // y: LOCAL_EXT, readable only by the node that wrote it
)

// Bounds that the format or OTP sets.
const (
	// MaxAtomChars is how many characters (not bytes) an atom may have.
	MaxAtomChars = 255

	maxRefWords = 5
	floatText   = 31 // bytes of FLOAT_EXT
)
