defmodule Picture do
  @moduledoc false
  # Paints rings of colour and writes them as a PNG file, with nothing but zlib.

  @signature <<0x89, "PNG\r\n", 0x1A, "\n">>

  @doc "A picture of so many pixels, as the bytes of a PNG file."
  def png(width, height) do
    header = <<width::32, height::32, 8, 2, 0, 0, 0>>
    rows = for y <- 0..(height - 1), do: [0 | row(y - div(height, 2), width)]

    [@signature, chunk("IHDR", header), chunk("IDAT", :zlib.compress(rows)), chunk("IEND", "")]
  end

  defp row(y, width) do
    for x <- -div(width, 2)..(width - div(width, 2) - 1), into: <<>> do
      ring = div(x * x + y * y, 2048)
      <<ring, ring * 2, 255 - ring>>
    end
  end

  defp chunk(type, data) do
    [<<byte_size(data)::32>>, type, data, <<:erlang.crc32([type, data])::32>>]
  end
end
